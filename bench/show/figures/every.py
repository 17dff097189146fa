"""Every figure that a results folder can fill, drawn in one style and written as PNG and SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.show.figures import (
    bubbles,
    costplots,
    crops,
    field_costs,
    floor_bars,
    gain_sources,
    qualityplots,
    roofline,
    style,
    waterfalls,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bench.judge.results import Results
    from bench.show.figures.style import Drawn


def all_figures(out: Path, results: Results) -> list[Drawn]:
    """Draw every figure that the results can fill; call it inside `style.styled()`."""
    found = [bubbles.figure1(results), qualityplots.quality_against_time(results), crops.grid(out, results)]
    found += [costplots.latency(results), costplots.memory(results), costplots.runtimes(results)]
    found += [qualityplots.by_ratio(results), qualityplots.by_image(results)]
    found += [gain_sources.figure(results), waterfalls.figure(results), field_costs.published_scores(results)]
    found += [costplots.resolution(results), costplots.threads(results), roofline.figure(results)]
    found += [floor_bars.figure(results)]
    return [drawn for drawn in found if drawn is not None]


def write_all(out: Path, results: Results) -> list[Drawn]:
    """Draw every figure and write it under `<out>/figures/`."""
    with style.styled():
        found = all_figures(out, results)
        for drawn in found:
            style.save(drawn.figure, out / "figures", drawn.name)
    return found
