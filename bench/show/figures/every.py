"""Every figure that a results folder can fill, drawn in one style and written to files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
    from collections.abc import Iterator
    from pathlib import Path

    from bench.judge.results import Results
    from bench.show.figures.style import Drawn


def write_all(out: Path, results: Results) -> list[Drawn]:
    """Draw every figure that the results can fill, and write it under `<out>/figures/`."""
    with style.styled(), ThreadPoolExecutor(1) as beside:
        # Meanwhile the images are read, of which the figure of crops and the report then have copies.
        reading = beside.submit(crops.slides, out, results)
        charts = []
        for drawn in _charts(results):
            charts.append(_saved(drawn, out))
            if reading.done():
                reading.result()  # raises where an image is damaged, before the other figures are drawn
        reading.result()
        images = _saved(crops.grid(out, results), out)
    return [drawn for drawn in (*charts[:2], images, *charts[2:]) if drawn is not None]


def _charts(results: Results) -> Iterator[Drawn | None]:
    yield from (bubbles.figure1(results), qualityplots.quality_against_time(results))
    yield from (costplots.latency(results), costplots.memory(results), costplots.runtimes(results))
    yield from (qualityplots.by_ratio(results), qualityplots.by_image(results))
    yield from (gain_sources.figure(results), waterfalls.figure(results))
    yield from (field_costs.published_scores(results), costplots.resolution(results))
    yield from (costplots.threads(results), roofline.figure(results), floor_bars.figure(results))


def _saved(drawn: Drawn | None, out: Path) -> Drawn | None:
    if drawn is not None:
        style.save(drawn.figure, out / "figures", drawn.name, photographs=drawn.photographs)
    return drawn
