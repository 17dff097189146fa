"""Roofline: how near each network comes to what this machine's processor and memory allow.

The roofs are measured: the fastest of several compute-bound kernels, and copying (see the cell `kernels`).
What stands above the roof, or a roof above what the instructions allow, is a fault of the roof and said so. A
network that stands far below loses its time to something else than arithmetic or traffic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.judge import floors, quantities
from bench.judge.results import number
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.entries import part
from bench.show.tables.layout import Column, Entry, Part, Table, word
from bench.show.tables.numbers import compact, with_interval
from bench.show.tables.setting import cost_setting
from bench.show.tables.standings import kernel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.judge.results import Results
    from bench.judge.statistics import Estimate
    from bench.records.cells import Record


@dataclass(frozen=True)
class Roofs:
    """What the machine can do at most: the best round of each.

    Attributes:
        macs: multiply-accumulates per second of the fastest compute-bound kernel.
        bandwidth: bytes read and written per second by a copy.
        record: where they were measured.
        kernel: the name of that kernel.
        limit: multiply-accumulates per second that cores x lanes x units x clock allow; None if unknown.
    """

    macs: float
    bandwidth: float
    record: Record
    kernel: str = "product"
    limit: float | None = None

    def over(self, intensity: float) -> float:
        """Multiply-accumulates a second that the roofs allow at so many of them a byte."""
        return min(self.macs, self.bandwidth * intensity)


@dataclass(frozen=True)
class Position:
    """Where a network stands.

    Attributes:
        model: the network.
        macs: multiply-accumulates of one pass.
        bytes: what its layers move in one pass.
        rate: multiply-accumulates per second, with the interval of its time.
        behind: the records of count and time.
    """

    model: str
    macs: float
    bytes: float
    rate: Estimate
    behind: tuple[Record, ...]

    @property
    def intensity(self) -> float:
        """Multiply-accumulates a byte."""
        return self.macs / self.bytes


def roofs(results: Results, device: str = "cpu") -> Roofs | None:
    """Peaks that were measured with as many threads as the main cost figures; None without any."""
    frame = results.frame(device)
    threads = None if frame is None else results.threads(device, frame)
    for record in results.of("kernels"):
        peaks = record.values.get("peaks")
        if record.status == "ok" and peaks and (record.cell.device, record.cell.threads) == (device, threads):
            top = floors.best(peaks, record)
            most = None if top.limit is None else top.limit / 2
            return Roofs(top.flops / 2, max(map(number, peaks["copy_bytes"])), record, top.kernel, most)
    return None


def positions(results: Results, device: str = "cpu") -> list[Position]:
    """Every network that was both timed and counted at the frame of the main cost figures."""
    found = []
    for model in published.ordered(results.models):
        counted = floors.counted(results, model, results.frame(device))
        time = quantities.latency(results, model, device=device)
        if counted is not None and time.estimate is not None:
            macs = 1e9 * number(counted.values["gmac"])
            moved, rate = number(counted.values["layer_bytes"]), _rate(macs, time.estimate)
            found.append(Position(model, macs, moved, rate, (counted, *time.behind)))
    return found


def figure(results: Results) -> Drawn | None:
    """Draw the networks under this machine's roofs; None without measured roofs or a timed network."""
    top, found = roofs(results), positions(results)
    if top is None or not found:
        return None
    drawn = style.figure(style.PAGE, 3.0)
    axes = drawn.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    _draw_roofs(axes, top, [one.intensity for one in found])
    for one in sorted(found, key=lambda one: -one.rate.value / top.over(one.intensity)):
        colour, marker = style.look(one.model, results.models)
        label = f"{published.label(one.model)}: {_share(one, top)}"
        rate, roof = one.rate.value / 1e9, top.over(one.intensity) / 1e9
        axes.plot([one.intensity] * 2, [rate, roof], color=colour, lw=0.6, ls=":", zorder=1)
        axes.plot([one.intensity], [rate], marker, color=colour, ms=6, mec="white", mew=0.5, label=label)
    lowest = min(one.rate.value for one in found)
    axes.set_ylim(min(lowest, top.over(axes.get_xlim()[0])) / 1.5e9, top.macs / 0.6e9)
    style.plain_log(axes.xaxis, axes.yaxis)
    axes.set_xlabel("multiply-accumulates per byte")
    axes.set_ylabel("GMAC per second")
    drawn.legend(loc="outside right center", title="share of the roof", alignment="left")
    caption = (
        "Multiply-accumulates per second of each network, and its share of what the roofs allow. "
        f"{_sources(top, found)} {cost_setting(results)}"
    )
    alternative = "Networks below the measured roofs of arithmetic and memory traffic, both axes logarithmic."
    return Drawn("roofline", "Roofline", caption, alternative, drawn)


def table(results: Results) -> Table | None:
    """List what the figure shows, and the least time that the product's peak allows; None as there."""
    top, found = roofs(results), positions(results)
    if top is None or not found:
        return None
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("GMAC", ("gmac",)),
        Column("GB moved", ("layer_gb",)),
        Column("MAC/byte", ("mac_per_byte",)),
        Column("GMAC/s", ("gmac_per_s",), intervals=True),
        Column("Share of the roof", ("roof_share",)),
        Column("Least s", ("least_s",)),
    )
    rows = []
    for one in found:
        rate = one.rate.scaled(1e-9)
        share, least = one.rate.value / top.over(one.intensity), one.macs / top.over(one.intensity)
        rows.append(
            (
                replace(word(published.title(one.model)), behind=(*one.behind, top.record)),
                _number(one.macs / 1e9, 4),
                _number(one.bytes / 1e9),
                _number(one.intensity),
                Entry((part(rate, with_interval(rate, 1), is_ranked=False),)),
                Entry((Part(_share(one, top), share),)),
                _number(least),
            )
        )
    caption = f"{_sources(top, found)} Least: the shortest time that the roof allows. {cost_setting(results)}"
    return Table("roofline", "Networks under the roofs", caption, columns, tuple(rows))


def _rate(macs: float, time: Estimate) -> Estimate:
    low = None if time.high is None else macs / time.high
    high = None if time.low is None else macs / time.low
    return replace(time, value=macs / time.value, low=low, high=high)


def _sources(top: Roofs, found: list[Position]) -> str:
    rate, copied = compact(2 * top.macs / 1e9, 3), compact(top.bandwidth / 1e9, 3)
    measured = f"Roofs, both measured on this machine: {kernel(top.kernel)} of {rate} GFLOP/s "
    parts = [measured + f"and copying at {copied} GB/s (best of their rounds)."]
    if top.limit is not None:
        limit = compact(2 * top.limit / 1e9, 3)
        parts.append(f"Cores x lanes x 2 x units x clock: {limit} GFLOP/s.")
    parts += faults(top, found)
    parts.append("Bytes: what all convolutions read and write, each once, weights included.")
    return " ".join(parts)


def faults(top: Roofs, found: list[Position]) -> list[str]:
    """Say what contradicts the roof: a network above it, or a kernel above what the instructions allow."""
    above = [published.label(one.model) for one in found if one.rate.value > floors.SLACK * top.macs]
    said = [f"Roof too low: {', '.join(above)} was faster than every kernel."] if above else []
    if top.limit is not None and top.macs > floors.SLACK * top.limit:
        said.append(f"Roof too high: {kernel(top.kernel)} exceeds what loop and clock allow.")
    return said


def _share(one: Position, top: Roofs) -> str:
    return f"{100 * one.rate.value / top.over(one.intensity):.0f} %"


def _number(value: float, digits: int = 3) -> Entry:
    return Entry((Part(compact(value, digits), value),))


def _draw_roofs(axes: Axes, top: Roofs, intensities: list[float]) -> None:
    knee = top.macs / top.bandwidth
    low, high = min(*intensities, knee) / 3, max(*intensities, knee) * 2
    ends = [low, knee, high]
    axes.plot(ends, [top.over(one) / 1e9 for one in ends], color="#444444", lw=1.2)
    axes.set_xlim(low, high)
    said: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6.5, "color": "#444444"}
    axes.annotate("arithmetic", (high, top.macs / 1e9), (-2, 3), ha="right", **said)
    middle = (low * knee) ** 0.5
    axes.annotate("copying", (middle, top.over(middle) / 1e9), (6, -3), va="top", **said)
