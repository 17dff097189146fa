"""Every figure that a results folder can fill, drawn in one style and written as PNG and SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.show import bubbles, style

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from bench.judge.results import Results


@dataclass(frozen=True)
class Drawn:
    """A figure with what stands beside it.

    Attributes:
        name: file name without its suffix.
        title: heading.
        caption: what it shows and on what it rests.
        alternative: the same for those who do not see it, in one sentence.
        figure: the drawing.
    """

    name: str
    title: str
    caption: str
    alternative: str
    figure: Figure


def all_figures(results: Results) -> list[Drawn]:
    """Draw every figure that the results can fill; call it inside `style.styled()`."""
    found: list[Drawn] = []
    figure = bubbles.figure1(results)
    if figure is not None:
        found.append(
            Drawn("figure1", "Figure 1 of the paper", bubbles.caption(results), bubbles.ALTERNATIVE, figure)
        )
    return found


def write_all(out: Path, results: Results) -> list[Drawn]:
    """Draw every figure and write it under `<out>/figures/`."""
    with style.styled():
        found = all_figures(results)
        for drawn in found:
            style.save(drawn.figure, out / "figures", drawn.name)
    return found
