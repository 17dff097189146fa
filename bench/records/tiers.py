"""How much the main job measures: four tiers, from a check in CI to every image of its protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from baselines.paper import FULL_HEIGHT, FULL_WIDTH

TierName = Literal["smoke", "quick", "standard", "full"]

# One method of each sort that the machinery has to deal with, and quick ones.
SMOKE = ("llpacknet", "sid-unet", "red", "gain-only")
# Table 1's columns: without ground-truth exposure, and with it as the authors' own release scores it.
PROTOCOLS = ("paper2020", "release2022")
# The same and the paper's own protocol with ground-truth exposure, for the long tiers.
ALL_PROTOCOLS = ("paper2020", "paper2020-gt", "release2022")
# What a gain that is hardly found, or not at all, gives on the images of `paper2020`.
CONTROLS = ("paper2020-constant", "paper2020-level")


@dataclass(frozen=True)
class Tier:
    """One tier.

    Attributes:
        name: as the command line takes it.
        scenes: scenes to make where no data set is given.
        height: frame height of synthetic scenes in pixels.
        width: frame width of synthetic scenes in pixels.
        images: at most this many images are scored per protocol, spread over scenes and ratios; None for all.
        rounds: interleaved rounds of latency, each in a fresh process.
        slow_pass_s: a method predicted to need more than this for one pass is timed once and restores the
            part alone, marked so in every table; None to treat all methods alike.
        part_of: all methods are scored on a central part too, whose sides are one such share of the frame's;
            None for whole frames alone.
        once_pass_s: a method predicted to need more than this for one pass is treated so already; None for
            the same limit as `slow_pass_s`.
        first_s: seconds of the first stage, after which there are tables; None for no stages.
        brief: whether a process that times a method makes no more calls than its time needs, see
            `bench.records.jobs.Job`.
        slow_images: at most this many images are scored of such a method, marked so too; None for as many as
            of the others.
        models: what is measured where no models are named; None for the paper's comparison.
        protocols: what judges where no protocols are named.
        controls: what also judges the methods that take a gain and are not slow.
        stress_scenes: of so many of the synthetic scenes a stress set is made too, with black levels that are
            off, on which the methods that are not slow are judged under the default protocol.
    """

    name: TierName
    scenes: int
    height: int
    width: int
    images: int | None
    rounds: int
    slow_pass_s: float | None
    once_pass_s: float | None = None
    part_of: int | None = None
    first_s: float | None = 150.0
    brief: bool = False
    slow_images: int | None = None
    models: tuple[str, ...] | None = None
    protocols: tuple[str, ...] = PROTOCOLS
    controls: tuple[str, ...] = ()
    stress_scenes: int = 0


TIERS: dict[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier(
            "smoke",
            scenes=1,
            height=712,
            width=1064,
            images=1,
            rounds=2,
            slow_pass_s=20.0,
            part_of=2,
            first_s=20.0,
            brief=True,
            models=SMOKE,
        ),
        Tier(
            "quick",
            scenes=1,
            height=FULL_HEIGHT,
            width=FULL_WIDTH,
            images=3,
            rounds=5,
            slow_pass_s=20.0,
            once_pass_s=3.0,
            part_of=4,
            brief=True,
        ),
        Tier(
            "standard",
            models=("all", "field"),
            scenes=12,
            height=FULL_HEIGHT,
            width=FULL_WIDTH,
            images=93,
            rounds=5,
            slow_pass_s=20.0,
            part_of=2,
            slow_images=6,
            protocols=ALL_PROTOCOLS,
            controls=CONTROLS,
            stress_scenes=6,
        ),
        Tier(
            "full",
            scenes=50,
            height=FULL_HEIGHT,
            width=FULL_WIDTH,
            images=None,
            rounds=5,
            slow_pass_s=None,
            protocols=ALL_PROTOCOLS,
            controls=CONTROLS,
        ),
    )
}
