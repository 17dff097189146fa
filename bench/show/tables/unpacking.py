"""The forms of UnPack and PixelShuffle side by side: time, the image they give, and a batch of two."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import statistics, unpack
from bench.machine.wording import plural
from bench.show.tables.entries import part
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import compact, with_interval

if TYPE_CHECKING:
    from bench.judge.results import Results
    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

FORMS = {
    "loop": "Loop (Algorithm 1)",
    "unpack_2020": "One-liner of 2020",
    "unpack_2020_batched": "One-liner of 2020, given a batch",
    "unpack": "One-liner of 2022",
    "pixelshuffle": "PixelShuffle",
    "loop_kept": "Loop, into preallocated memory",
    "unpack_kept": "One-liner of 2022, into preallocated memory",
    "pack_loop": "Pack by a loop",
    "pack": "Pack",
}
# Forms of an earlier release's record.
ALWAYS = ("loop", "unpack_2020", "unpack_2020_batched", "unpack", "pixelshuffle")
# PixelShuffle with the channels in its own order, in the comparisons: the same time, UnPack's image.
PERMUTED = "pixelshuffle_permuted"
REFERENCE = "pixelshuffle"
SAME = "At batch 1 it equals the one-liner of 2020."


def kernel_table(results: Results) -> Table | None:
    """Set the forms against each other, of the record nearest to the paper's frame; None without one."""
    one = _record(results)
    if one is None:
        return None
    cell = one.cell
    columns = (
        Column("Form", ("form",), numeric=False),
        Column("Time ms", ("time_ms",), intervals=True),
        Column("× PixelShuffle", ("ratio_pixelshuffle",), intervals=True),
        Column("Largest difference from the loop", ("largest_difference",)),
        Column(f"Batch of {one.values['batch_size']}", ("batch",), numeric=False),
    )
    shown = {form: title for form, title in FORMS.items() if form in ALWAYS or form in one.values["seconds"]}
    body = tuple(_row(one, form, title) for form, title in shown.items())
    count = len(one.values["seconds"][REFERENCE])
    many = (
        plural(count, "process", "processes")
        if one.values.get("processes")
        else f"{plural(count, 'interleaved round')} of one process"
    )
    caption = (
        f"From 192 channels to one RGB image of {cell.height}x{cell.width}, {cell.device}, "
        f"{plural(cell.threads or 1, 'thread')}, {cell.precision}; {many}. PixelShuffle gives UnPack's image "
        "once its channels are permuted, always in the same way; it is compared so."
    )
    return Table("kernels", "UnPack's forms and PixelShuffle", caption, columns, body)


def _record(results: Results) -> Record | None:
    sizes = {(r.cell.height or 0, r.cell.width or 0) for r in results.of("kernels") if r.status == "ok"}
    devices = sorted({str(r.cell.device) for r in results.of("kernels") if r.status == "ok"})
    if not sizes:
        return None
    size = FULL_SIZE if FULL_SIZE in sizes else max(sizes, key=lambda size: (size[0] * size[1], size))
    found = [unpack.record(results, device, size) for device in devices]
    return next((one for one in found if not isinstance(one, str)), None)


def _row(one: Record, form: str, title: str) -> tuple[Entry, ...]:
    seconds = one.values["seconds"].get(form)
    time = None if not seconds else statistics.over_rounds(dict(enumerate(seconds))).scaled(1000)
    ratio = unpack.form_ratio(one, form, REFERENCE) if seconds else None
    compared = PERMUTED if form == REFERENCE else form
    apart = one.values["largest_difference"].get(compared)
    if form in {"loop", "pack_loop"}:
        apart = 0.0
    return (
        replace(word(title), behind=(one,)),
        _figure(time, 1),
        Entry((Part("1", 1.0),)) if form == REFERENCE else _figure(ratio, 2),
        dash(SAME) if apart is None else Entry((Part(compact(apart), float(apart)),)),
        word(_batch(one.values["batch"].get(compared))),
    )


def _figure(found: Estimate | None, most: int) -> Entry:
    if found is None:
        return dash(SAME)
    return Entry((part(found, with_interval(found, most), is_ranked=False),))


def _batch(made: dict[str, Any] | None) -> str:
    if made is None:
        return "–"
    if "error" in made:
        return f"raises: {made['error']}"
    if made["largest_difference"] == 0:
        return "right"
    return "mixes the images" if made["mixed"] else "wrong"
