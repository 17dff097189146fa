"""Training many networks on equal terms, as a plan file says: row by row, resumable at any moment.

A plan is a TOML file with one table of terms that hold for every network, and rows in the order in which they
are trained. The networks of a row are trained side by side, one seed after the other. Each network's rate is
the one of the terms' rates that does best on held-out photographs in a short trial; trials share their seed,
and a network's further seeds keep its rate.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import tomllib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from bench.train import curve
from bench.train.learner import Diverged
from bench.train.options import Options
from bench.train.session import Session
from llpacknet.errors import InputError
from llpacknet.runtimes import processor
from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WARM_UP_SHARE = 0.1
LONGEST_WARM_UP = 500
VALIDATIONS = 32


@dataclass(frozen=True)
class Terms:
    """What all networks have in common.

    Attributes:
        name: how cards and tables call these terms.
        patches: how many patches each training sees.
        patch: their side in pixels.
        batch: patches a step.
        loss: what is minimised.
        rates: learning rates to choose from.
        trial_patches: how many patches each rate is tried on.
        amplifier_lr: learning rate of a network's own amplifier.
        restarts: how often a spike of the loss may send a training back, at half the rate.
    """

    name: str
    patches: int
    patch: int
    batch: int
    loss: str
    rates: tuple[float, ...]
    trial_patches: int
    amplifier_lr: float
    restarts: int


@dataclass(frozen=True)
class Row:
    """Networks that are trained side by side, and from which seeds."""

    networks: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class WeightsPlan:
    """Terms, and the rows in their order."""

    terms: Terms
    rows: tuple[Row, ...]

    def of(self, names: Sequence[str]) -> WeightsPlan:
        """Keep what trains these networks; one that the plan does not name is added, with seed 0."""
        if not names:
            return self
        rows = [Row(tuple(n for n in row.networks if n in names), row.seeds) for row in self.rows]
        planned = {name for row in rows for name in row.networks}
        added = [Row((name,), (0,)) for name in names if name not in planned]
        return replace(self, rows=tuple(row for row in (*rows, *added) if row.networks))


@dataclass(frozen=True)
class Place:
    """Where and on what a plan is carried out; none of it changes what a training is.

    Attributes:
        photos: folder of photographs.
        out: folder of all runs; NAME/seed-S below it holds one.
        device: "cpu" or "cuda".
        precision: "bf16" or "fp32"; None for bf16 where the device has instructions for it.
        threads: CPU threads of the networks.
        workers: processes that make patches.
    """

    photos: Path
    out: Path
    device: str = "cpu"
    precision: str | None = None
    threads: int | None = None
    workers: int | None = None


def read(path: Path) -> WeightsPlan:
    """Read a plan file.

    Raises:
        InputError: for a file that is not a plan; says what is wrong in it.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        terms = Terms(**{**raw["terms"], "rates": tuple(raw["terms"]["rates"])})
        rows = tuple(Row(tuple(row["networks"]), tuple(row["seeds"])) for row in raw["row"])
    except OSError as error:
        raise InputError(f"--plan {path} cannot be read ({error}): check the name") from error
    except (ValueError, KeyError, TypeError) as error:
        names = ", ".join(field.name for field in fields(Terms))
        raise InputError(
            f"--plan {path} is not a plan ({error}): it needs [terms] with {names}, and [[row]] with "
            "networks and seeds"
        ) from error
    if not terms.rates or min(terms.patches, terms.trial_patches) < terms.batch:
        raise InputError(f"--plan {path}: needs at least one learning rate, and enough patches for one batch")
    return WeightsPlan(terms, rows)


def carry_out(plan: WeightsPlan, place: Place, left_out: set[str] | None = None) -> list[Path]:
    """Train what a plan lists and is not trained yet, in its order.

    Args:
        plan: what to train.
        place: where, and on which photographs.
        left_out: gets a line for every photograph that was found to be of no use.

    Returns:
        The weights' files of all trainings that came to their end.

    Raises:
        InputError: for unusable photographs or networks, or runs of other terms in the folder.
        KeyboardInterrupt: after SIGINT or SIGTERM, once checkpoints are written.
    """
    place = replace(place, precision=place.precision or _precision(place.device))
    finished: list[Path] = []
    left_out = set() if left_out is None else left_out
    for row in plan.rows:
        for seed in row.seeds:
            _choose_rates(plan.terms, place, row.networks, left_out)
            runs = [_run(plan.terms, place, name, seed) for name in row.networks]
            _train([run for run in runs if not _is_finished(run)], left_out)
            finished += [_weights(run) for run in runs if _is_finished(run)]
    return finished


def _train(runs: Sequence[Options], left_out: set[str]) -> None:
    """Train side by side; one that diverges has been left behind by the others, which are finished."""
    if runs:
        session = Session(runs)
        with contextlib.suppress(Diverged):  # said while the others went on
            session.run()
        left_out.update(session.data.unusable())


def _precision(device: str) -> str:
    if device == "cpu" and processor.lacks("bf16"):
        print(
            "llbench: this processor has no bf16 instructions: training in fp32, at about half the speed",
            file=sys.stderr,
            flush=True,
        )
        return "fp32"
    return "bf16"


def _folder(place: Place, name: str) -> Path:
    return place.out / name.replace(":", ".")


def _weights(run: Options) -> Path:
    return run.out / f"{run.name.replace(':', '.')}.safetensors"


def _is_finished(run: Options) -> bool:
    """Whether a run's weights lie there, with a card that does not call them unfinished."""
    try:
        card = json.loads(_weights(run).with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return not card["training"].get("unfinished")


def _options(terms: Terms, place: Place, name: str, out: Path, patches: int) -> Options:
    steps = patches // terms.batch
    return Options(
        name,
        out,
        place.photos,
        steps=steps,
        batch=terms.batch,
        patch=terms.patch,
        amplifier_lr=terms.amplifier_lr,
        warm_up=min(LONGEST_WARM_UP, math.ceil(WARM_UP_SHARE * steps)),
        loss=terms.loss,
        device=place.device,
        precision=str(place.precision),
        threads=place.threads,
        workers=place.workers,
        validate_every=math.ceil(steps / VALIDATIONS),
        resume=True,
    )


def _run(terms: Terms, place: Place, name: str, seed: int) -> Options:
    """Say how to train a network from a seed, at the rate that was chosen for it."""
    chosen = json.loads((_folder(place, name) / "rate.json").read_text(encoding="utf-8"))
    whole_run = _options(terms, place, name, _folder(place, name) / f"seed-{seed}", terms.patches)
    return replace(
        whole_run, seed=seed, lr=chosen["rate"], restarts=terms.restarts, terms=terms.name,
        rate_choice=chosen["choice"],
    )  # fmt: skip


def _choose_rates(terms: Terms, place: Place, names: Sequence[str], left_out: set[str]) -> None:
    """Try every rate for the networks that have none yet, side by side, and write down the best of each."""
    open_ = [name for name in names if not (_folder(place, name) / "rate.json").is_file()]
    trials = {name: {rate: _trial(terms, place, name, rate) for rate in terms.rates} for name in open_}
    runs = [run for by_rate in trials.values() for run in by_rate.values()]
    if any(_score(run) is None for run in runs):
        _train(runs, left_out)
    for name, by_rate in trials.items():
        _write_choice(_folder(place, name) / "rate.json", terms, {r: _score(t) for r, t in by_rate.items()})


def _trial(terms: Terms, place: Place, name: str, rate: float) -> Options:
    out = _folder(place, name) / "trials" / f"rate-{rate:g}"
    trial = _options(terms, place, name, out, terms.trial_patches)
    return replace(trial, lr=rate, validate_every=trial.steps)


def _score(trial: Options) -> float | None:
    """Return the validation PSNR in dB at the end of a trial; None if it has not got there."""
    rows = curve.read(trial.out)
    return rows[-1][4] if rows and rows[-1][0] == trial.steps else None


def _write_choice(path: Path, terms: Terms, scores: dict[float, float | None]) -> None:
    reached = {rate: score for rate, score in scores.items() if score is not None}
    if not reached:
        raise InputError(f"{path.parent.name} diverged at every learning rate of the plan: add a lower one")
    best = max(reached, key=lambda rate: reached[rate])
    words = [f"{rate:g} ({f'{score:.2f} dB' if score else 'diverged'})" for rate, score in scores.items()]
    choice: dict[str, Any] = {
        "rate": best,
        "choice": f"{best:g} of {', '.join(words)}, on held-out photographs after "
        f"{terms.trial_patches} patches each",
        "scores": {f"{rate:g}": score for rate, score in scores.items()},
    }
    with whole(path, durable=True) as partial:
        partial.write_text(json.dumps(choice, indent=2) + "\n", encoding="utf-8")
