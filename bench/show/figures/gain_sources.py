"""The figure of what knowing the exposure ratio is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from bench.judge.amplification import OWN, SOURCES, worth
from bench.judge.evidence import CONSTANT, WITH, WITHOUT
from bench.machine.wording import plural
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.setting import data_setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.judge.amplification import At
    from bench.judge.results import Results

# Colour and marker of each source of a gain.
LOOKS: dict[str, tuple[str, str]] = {
    CONSTANT: ("#999999", "s"),
    "paper2020-level": ("#5b8db8", "D"),
    WITHOUT[0]: ("#d98c3f", "v"),
    OWN: ("#7a4fa3", "*"),
    WITH[0]: ("#222222", "o"),
}


def figure(results: Results) -> Drawn | None:
    """Draw every method at every source of a gain, PSNR and brightness; None if no control was scored."""
    found = worth(results)
    if found is None:
        return None
    shown = published.ordered(found.methods)[::-1]
    drawn = style.figure(style.PAGE, 1.2 + 0.28 * len(shown))
    left, right = drawn.subplots(1, 2, sharey=True)
    for height, model in enumerate(shown):
        _row(left, height, {key: at.psnr for key, at in found.methods[model].items()})
        _row(right, height, _stops(found.methods[model]))
    left.set_yticks(range(len(shown)), [published.label(model) for model in shown])
    left.tick_params(axis="y", length=0)
    left.set_xlabel("mean PSNR (dB)")
    right.set_xlabel("rms brightness error (stops)")
    right.set_xlim(left=0)
    present = {key for sources in found.methods.values() for key in sources}
    handles = [
        Line2D([], [], ls="", marker=LOOKS[key][1], color=LOOKS[key][0], ms=5.5, label=text)
        for key, text in SOURCES.items()
        if key in present
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.2, handletextpad=0.3)
    caption = (
        "The same images at gains that know more and more of the exposure ratio: none of it (one gain "
        "for all images), the mean level, what RED's estimate or the network's own amplifier finds, "
        f"the ratio itself. {plural(len(found.images), 'image')}, restored by all methods. "
        f"{data_setting(results, (CONSTANT,))}"
    )
    alternative = "PSNR and brightness error of each method, a mark for each source of its gain."
    return Drawn("gain-worth", "What knowing the ratio is worth", caption, alternative, drawn)


def _stops(sources: dict[str, At]) -> dict[str, float]:
    return {key: at.stops for key, at in sources.items() if at.stops is not None}


def _row(axes: Axes, height: int, values: dict[str, float]) -> None:
    if len(values) > 1:
        axes.plot([min(values.values()), max(values.values())], [height] * 2, color="#cccccc", lw=1, zorder=1)
    for key, value in values.items():
        colour, marker = LOOKS[key]
        axes.plot([value], [height], marker, color=colour, ms=7 if marker == "*" else 5, zorder=2)
