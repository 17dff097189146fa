"""Steps per second of a training run, with its data made on the fly and with the network alone.

    python benchmarks/training.py --photos FOLDER [--model llpacknet] [--steps 60] [--rounds 3] [--threads 2]
                                  [--precision bf16]

The same trainer runs twice, in turns: once on fresh patches, once on one batch that was made beforehand.
Training data must not be the bottleneck: with one core for the patches and the others for the network
(`--threads` one less than the cores) the first shall reach 90 % of the second. Seconds are those of the run's
own log, between its first and its last row, so that start and validation do not count. Nothing else should
run on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

# Before torch is loaded, as in `llbench train`.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from bench.train import curve, photo_pool, session, trainer
from bench.train.options import Options
from bench.train.patches import Patch, Patches
from bench.train.sources import Data

if TYPE_CHECKING:
    from bench.train.loading import PatchSource


class _OneBatch:
    """The patches of step 0 at every step."""

    def __init__(self, patches: list[Patch]) -> None:
        self.patches = patches

    def patch(self, _: int, index: int) -> Patch:
        """Return the prepared patch of that index."""
        return self.patches[index]


def steps_per_second(options: Options, source: PatchSource) -> float:
    """Train in a temporary folder and read the rate from the log."""
    session.LOG_EVERY = max(1, options.steps // 4)
    trainer.train(options, Data(source, [source.patch(0, 0)], []))
    rows = curve.read(options.out)
    return (rows[-1][0] - rows[0][0]) / (rows[-1][3] - rows[0][3])


def main() -> None:
    """Measure in turns and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--model", default="llpacknet")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    used = [each for each in photo_pool.listed(arguments.photos) if each.use == "training"]
    made = Patches(photo_pool.load(arguments.photos, used), 256, 0)
    constant = _OneBatch([made.patch(0, index) for index in range(4)])
    rates: dict[str, list[float]] = {"with data": [], "network alone": []}
    for _ in range(arguments.rounds):
        for kind, source in (("with data", made), ("network alone", constant)):
            with tempfile.TemporaryDirectory() as folder:
                options = Options(
                    arguments.model,
                    Path(folder),
                    arguments.photos,
                    steps=arguments.steps,
                    threads=arguments.threads,
                    workers=arguments.workers,
                    precision=arguments.precision,
                    validate_every=10**9,
                    checkpoint_every_s=1e9,
                )
                rates[kind].append(steps_per_second(options, source))
    share = statistics.median(rates["with data"]) / statistics.median(rates["network alone"])
    print(json.dumps({"model": arguments.model, "steps_per_s": rates, "share": round(share, 3)}, indent=2))


if __name__ == "__main__":
    main()
