# ruff: noqa: INP001 - a script, no package
"""Writes the page on what an amplifier can know: SID's real levels, and the committed reference run.

    python docs/amplifier.py

`tests/show/test_amplifier_page.py` compares the page with what this writes.
"""

from __future__ import annotations

import math
from pathlib import Path
from statistics import correlation, fmean, stdev
from typing import TYPE_CHECKING

from bench.data.folder import controls
from bench.data.folder.controls import Frame, Line
from bench.judge.results import Results
from bench.show.tables import writers
from bench.show.tables.gain_worth import worth_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAGE = Path(__file__).with_suffix(".md")
RESULTS = PAGE.parents[1] / "results" / "epyc-2-cores-avx512" / "standard"


def frames(exposure: str = "") -> list[Frame]:
    """Return SID's first test frames, all 93 or those of one exposure time."""
    return [one for one in controls.first_test_frames() if one.name.endswith(exposure)]


def mean_ratio(known: Sequence[Frame]) -> Line:
    """One gain for all: the geometric mean of the ratios."""
    return Line(0.0, fmean(math.log2(one.ratio) for one in known))


def inverse(known: Sequence[Frame]) -> Line:
    """Bring every frame to one level, as an estimate of RED's kind does."""
    return Line(-1.0, fmean(math.log2(one.ratio * one.level) for one in known))


def left_out(rule: Callable[[Sequence[Frame]], Line], on: list[Frame], from_: list[Frame]) -> float:
    """Root-mean-square error in stops on frames whose scene was left out when the rule was fitted."""
    squares = []
    for one in on:
        line = rule([other for other in from_ if other.scene != one.scene])
        squares.append(_error(line, one) ** 2)
    return math.sqrt(fmean(squares))


def fixed(line: Line, on: list[Frame]) -> float:
    """Root-mean-square error in stops of a line that these frames had no part in."""
    return math.sqrt(fmean(_error(line, one) ** 2 for one in on))


def _error(line: Line, one: Frame) -> float:
    return line.offset + line.slope * math.log2(one.level) - math.log2(one.ratio)


def _numbers(every: list[Frame], fifty: list[Frame]) -> dict[str, str]:
    """Every figure of the page, as printed."""
    found: dict[str, str] = {}
    for name, some, subset in (("93", every, "first"), ("50", fifty, "first-0.1s")):
        constant = controls.constant(subset)
        levels, ratios = ([math.log2(getattr(one, what)) for one in some] for what in ("level", "ratio"))
        light = [a + b for a, b in zip(levels, ratios, strict=True)]
        found |= {
            f"gain{name}": f"{constant:.0f}",
            f"constant{name}": f"{fixed(Line(0.0, math.log2(constant)), some):.2f}",
            f"mean{name}": f"{left_out(mean_ratio, some, some):.2f}",
            f"fixed{name}": f"{left_out(controls.fit, some, every):.2f}",
            f"level{name}": f"{left_out(controls.fit, some, some):.2f}",
            f"inverse{name}": f"{left_out(inverse, some, some):.2f}",
            f"slope{name}": f"{controls.fit(some).slope:.2f}".replace("-", "−"),
            f"correlation{name}": f"{correlation(levels, ratios):.2f}".replace("-", "−"),
            f"light{name}": f"{stdev(light):.2f}",
            f"ratio{name}": f"{stdev(ratios):.2f}",
        }
    line = controls.level_line()
    return found | {"offset": f"{line.offset:.4f}", "slope": f"{line.slope:.4f}".replace("-", "−")}


def page() -> str:
    """Return the page."""
    return TEXT.format(**_numbers(frames(), frames("_0.1s")), worth=_worth())


def _worth() -> str:
    """Return the reference run's table of what knowing the ratio is worth: rows, then what they are."""
    table = worth_table(Results.load(RESULTS))
    assert table is not None
    _, setting, figures, *_ = writers.as_markdown(table).strip().split("\n\n")
    return f"{figures}\n\n{setting}"


TEXT = """# What an amplifier can know

*Written by `python docs/amplifier.py` from `bench/data/facts/sid_test93.csv` and `sid_lists.csv` and from
the reference run in `results/epyc-2-cores-avx512/standard`; do not edit it by hand.*

"No ground-truth exposure needed at test time" asks a network to find, from the dark raw alone, the gain to
multiply it by. SID gives the right answer for its own images: the ratio of the two exposure times, 100, 250
or 300. The real raws tell how much of this ratio can be read from an image at all, before any network is
trained.

## The ratio is nearly independent of the image

Error of a gain compared with the true ratio, in stops (root mean square), on the real mean levels of SID's
first test frames. A rule fitted to these frames was fitted without the scene that it is tested on:

| the gain comes from | 93 first frames | the 50 at 0.1 s |
|---|---:|---:|
| one constant from SID's training list ({gain93}; {gain50} at 0.1 s) | {constant93} | {constant50} |
| one constant fitted to these frames | {mean93} | {mean50} |
| the mean level: 2^{offset} · level^{slope}, fitted to the 93 | {fixed93} | {fixed50} |
| the mean level, fitted to the column's own frames (slope {slope93}; {slope50}) | {level93} | {level50} |
| one over the mean level, as an estimate of RED's kind | {inverse93} | {inverse50} |

So the best gain from the level is a twentieth of a stop better than one gain for all images, and a gain
that brings every image to the same brightness is far worse than either. The reason is in the data: the
light of the scenes (level times ratio) has a spread of {light93} stops, at 0.1 s of {light50}, and the ratio
of {ratio93} and {ratio50}. A dark raw is dark because the scene was dark, seldom because the exposure was
shorter. Level and ratio have a correlation of {correlation93} ({correlation50} at 0.1 s).

## What follows

- The gain with the smallest error follows the level with an exponent of about {slope93}, not −1. A network
  whose gain hardly changes from image to image has learned what the level tells. If a network's gain does
  follow the ratio, it uses other properties of these photographs, such as which scenes were exposed for 30 s.
- A score without ground truth mostly shows how well one gain suits the mix of ratios (29 of 100 and 21 of
  300 at 0.1 s). Observed once, on seventeen published truths of SID, for a restoration that is perfect except
  for its brightness: 21.7, 27.0, 39.2, 28.5, 24.5, 21.8, 20.4, 20.0 and 21.1 dB with a gain of 60, 80, 100,
  120, 140, 170, 200, 260 and 300 for all (13 of ratio 100 and 4 of 300, each capped at 45 dB). Published
  figures without ground truth are between 20.98 and 23.27 dB.
- The *scale* of an amplifier's gain says nothing. The next convolution absorbs any factor, so a network
  with gains around 3 may render as bright as one with gains around 170. What is compared with the ratio is
  therefore the brightness of the restored image (`brightness_stops` in a quality cell: log2 of its mean
  linear light over the truth's); of the gain, only its changes from image to image matter.
- The two published amplifiers could not follow one over the level even if they were meant to: the
  convolutional one has no activation, so its gain is an affine function of the means of the four colours; the
  histogram's is affine in the shares of its bins.

## How an amplifier is judged

An amplifier *finds the amplification* if the brightness of its images is closer to the truth's than that of
a network at one constant gain, on the same images (protocol `paper2020-constant`, see
[Protocols](protocols.md#controls-of-the-gain)). For every method that takes a gain, the report shows what
knowing the ratio is worth: PSNR and brightness at the constant, at the gain from the level, at RED's
estimate and at the true ratio, next to the methods that find their own gain.

## What knowing the ratio was worth

On the synthetic scenes of the reference run:

![PSNR and brightness error of each method at each source of its gain](images/gain_worth.png)

{worth}
"""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
