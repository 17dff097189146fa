"""Images side by side: the crop grid of the paper's comparison figure, and before and after."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.show.figures import restored, style
from bench.show.figures.style import Drawn
from bench.show.tables.setting import SYNTHETIC

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from PIL import Image

    from bench.judge.results import Results

# Crops in one row of the figure.
COLUMNS = 7
# Images in the figure and in the report.
IMAGES, SCENES = 3, 4
# Characters that all images together may add to the report, which is to stay below 15 MB.
BUDGET = 10_000_000
# Scale of the whole scene and its JPEG qualities, the finest first: detail before freedom from artefacts.
STEPS = ((1, (85, 65)), (2, (85,)), (3, (85,)), (4, (85,)), (6, (85,)), (8, (85,)), (16, (75,)))


def grid(out: Path, results: Results) -> Drawn | None:
    """Draw a crop of each kept image as every method restored it; None if nothing was kept."""
    found = restored.kept(out, results, IMAGES)
    if not found:
        return None
    # The whole frame takes a place too.
    most = 1 + max(len(shots) for shots in found.values())
    widest = -(-most // -(-most // COLUMNS))
    lines = sum(-(-(1 + len(shots)) // widest) for shots in found.values())
    side = style.PAGE / widest
    # What print shows of them; every pixel is in the report.
    pixels = round(side * style.DOTS)
    drawn = style.figure(style.PAGE, lines * (side + 0.27) + 0.1 * len(found) + 0.1)
    axes = drawn.subplots(lines, widest, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    line = 0
    for image, shots in found.items():
        tiles = [(restored.overview(shots), "Whole frame,\ncrop outlined")]
        for shot, crop in zip(shots, _cuts(shots), strict=True):
            tiles.append((crop.copy(), f"{shot.title}\n{shot.score}".strip()))
        for index, (tile, text) in enumerate(tiles):
            tile.thumbnail((pixels, pixels))
            _tile(axes[line + index // widest][index % widest], tile, text)
        axes[line][0].set_title(image, loc="left", fontsize=6.5)
        line += -(-len(tiles) // widest)
    caption = (
        "Crops of restored images beside the whole frame that they are cut from. Below each: PSNR / SSIM of "
        "what the method restored, the whole image or its central part."
    )
    if results.synthetic:
        caption = f"{caption} {SYNTHETIC}"
    alternative = "The whole frame with the crop outlined, then that place as each method restored it."
    return Drawn("crops", "Crops", caption, alternative, drawn, photographs=True)


def slides(out: Path, results: Results) -> list[dict[str, Any]]:
    """Slides for the report: the first image whole, as finely as the budget allows, the others as crops.

    Where the budget does not allow full resolution, a crop of the first image shows that.
    """
    found = list(restored.kept(out, results, SCENES).items())
    if not found:
        return []
    cropped = [_crop(image, shots) for image, shots in found[1:]]
    image, shots = found[0]
    left = BUDGET - sum(len(view["source"]) for slide in cropped for view in slide["views"])
    shown, scale, quality = _whole(shots, left)
    what = f"Whole image at {'full' if scale == 1 else f'1/{scale} of its'} resolution, JPEG {quality}"
    whole = {"image": image, "what": what, "views": _views(shots, shown), "frame": None}
    return [whole, *([] if scale == 1 else [_crop(image, shots)]), *cropped]


def _crop(image: str, shots: list[restored.Shot]) -> dict[str, Any]:
    box, (height, width) = restored.place(shots), _frame(shots)
    return {
        "image": image,
        "what": f"Crop of {box[3]}x{box[2]} pixels (to keep this page small, one image alone is whole)",
        "views": _views(shots, [restored.as_jpeg(crop) for crop in _cuts(shots)]),
        "frame": {"size": f"{width}x{height}", "source": restored.as_jpeg(restored.overview(shots))},
    }


def _cuts(shots: list[restored.Shot]) -> list[Image.Image]:
    box, size = restored.place(shots), _frame(shots)
    return list(restored.side_by_side(lambda shot: restored.cut(shot, size, box), shots))


def _views(shots: list[restored.Shot], shown: list[str]) -> list[dict[str, str]]:
    return [
        {"model": shot.model, "title": shot.title, "score": shot.score, "source": source}
        for shot, source in zip(shots, shown, strict=True)
    ]


def _whole(shots: list[restored.Shot], budget: int) -> tuple[list[str], int, int]:
    """All shots of one image at the finest step that keeps within the budget, its scale and quality."""
    box, frame = restored.place(shots), _frame(shots)
    # The largest files first: a step that is too fine shows after few of them.
    sizes = {shot: shot.path.stat().st_size for shot in shots}
    order = sorted(shots, key=lambda shot: -sizes[shot])
    least = sum(sizes.values()) / sizes[order[0]] / 2
    shown: dict[restored.Shot, tuple[str, ...]] = {}
    for scale, qualities in STEPS:
        shown = {}
        one = partial(_cut_and_whole, box=box, frame=frame, scale=scale, qualities=qualities)
        with closing(restored.side_by_side(one, order)) as made:
            for shot, sources in zip(order, made, strict=True):
                shown[shot] = sources
                # All together will not be under half of what the files' sizes make of the largest.
                at_least = least * len(shown[order[0]][-1])
                expected = max(at_least, sum(len(each[-1]) for each in shown.values()))
                if expected > budget and scale < STEPS[-1][0]:
                    break
            else:
                break
    lengths = [sum(map(len, each)) for each in zip(*shown.values(), strict=True)]
    chosen = next((step for step, length in enumerate(lengths) if length <= budget), -1)
    return [shown[shot][chosen] for shot in shots], scale, qualities[chosen]


def _cut_and_whole(
    shot: restored.Shot,
    box: tuple[int, int, int, int],
    frame: tuple[int, int],
    scale: int,
    qualities: tuple[int, ...],
) -> tuple[str, ...]:
    """Give the whole image, after the crop that the figure needs of it too: it is read once for both."""
    restored.cut(shot, frame, box)
    return restored.whole(shot, frame, scale, qualities)


def _frame(shots: list[restored.Shot]) -> tuple[int, int]:
    """Rows and columns of the largest shot."""
    sizes = [shot.size for shot in shots]
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return height, width


def _tile(panel: Axes, crop: Image.Image, text: str) -> None:
    panel.set_axis_on()
    panel.grid(visible=False)
    panel.imshow(crop, interpolation="none")
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(False)
    panel.set_xlabel(text, fontsize=6, labelpad=2)
