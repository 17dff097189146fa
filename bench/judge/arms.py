"""Results of the UnPack experiment for two of its arms: their difference over common seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.judge import statistics
from bench.judge.quantities import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.trainings import Training

FEWEST_SEEDS = 3
# Validation PSNR, in dB, below which a training has learned nothing: an even grey has 14.0 on these images.
STUCK_DB = 15.0
COMMAND = "python -m benchmarks.unpack --photos PHOTOS --out OUT/unpack"


def difference(
    trainings: Sequence[Training], better: str, worse: str, error: float = statistics.ERROR
) -> Measured:
    """Difference of validation PSNR over the seeds that both arms have, see `statistics.over_seeds`.

    A training that diverged has no PSNR; it is left out and counted in the marks.
    """
    chosen = {name: {one.seed: one for one in trainings if one.arm == name} for name in (better, worse)}
    for name, found in chosen.items():
        if not found:
            return Measured(None, f"no training of {name}")
    pairs = [(chosen[better][seed], chosen[worse][seed]) for seed in sorted(chosen[better])
             if seed in chosen[worse]]  # fmt: skip
    if any(first.setting != second.setting for first, second in pairs):
        return Measured(None, f"{better} and {worse} were trained in different settings")
    apart = {
        first.seed: first.psnr - second.psnr
        for first, second in pairs
        if first.psnr is not None and second.psnr is not None
    }
    diverged = [one.arm for pair in pairs for one in pair if one.psnr is None]
    if len(apart) < FEWEST_SEEDS:
        lost = f" ({', '.join(sorted(set(diverged)))} diverged)" if diverged else ""
        return Measured(None, f"{len(apart)} common seed(s){lost}; an interval needs at least {FEWEST_SEEDS}")
    marks = tuple(f"diverged:{name}" for name in dict.fromkeys(diverged))
    seeds = ", ".join(str(seed) for seed in apart)
    rests_on = tuple(f"trainings of {name}, seeds {seeds}" for name in (better, worse))
    same = all(first.weights == second.weights for first, second in pairs)
    value = statistics.exact(0.0) if same else statistics.over_seeds(list(apart.values()), error)
    return Measured(value, marks=marks, synthetic=True, rests_on=rests_on)


def dark_share(trainings: Sequence[Training], arm: str) -> Measured:
    """Share of the validation images that an arm leaves too dark: the median over its trainings.

    Trainings that diverged have none; records of earlier releases do not hold it.
    """
    found = [one for one in trainings if one.arm == arm]
    if not found:
        return Measured(None, f"no training of {arm}")
    shares = [one.dark for one in found if one.dark is not None]
    if not shares:
        return Measured(None, f"the trainings of {arm} did not keep how much they leave dark")
    rests_on = (f"trainings of {arm}, dark share of {len(shares)}",)
    return Measured(statistics.median(shares), synthetic=True, rests_on=rests_on)


def stuck_difference(
    trainings: Sequence[Training], better: str, worse: str, error: float = statistics.ERROR
) -> Measured:
    """Share of stuck trainings of `worse` minus that of `better`.

    A training that diverged counts among them.
    """
    counts = {}
    for name in (worse, better):
        found = [one for one in trainings if one.arm == name]
        if not found:
            return Measured(None, f"no training of {name}")
        counts[name] = (sum(one.psnr is None or one.psnr < STUCK_DB for one in found), len(found))
    rests_on = tuple(
        f"trainings of {name}, {stuck} of {count} stuck" for name, (stuck, count) in counts.items()
    )
    value = statistics.share_difference(counts[worse], counts[better], error)
    return Measured(value, synthetic=True, rests_on=rests_on)
