"""How long `llbench report` takes and how much memory it needs on results as large as all of SID's test list.

    python benchmarks/report.py [--images 598] [--methods 12] [--pictures 0] [--rounds 3]

Methodology: made-up result files (tests/show/made_up.py: the same figures for the same arguments), one
quality cell per image and method, beside the cost cells of every method; each round is a fresh `llbench
report` process, start-up and imports included. Time is the wall clock, memory the kernel's peak of resident
size (VmHWM, which counts shared libraries too). `--pictures N` adds N images restored by every method, as
full-size PNG files, for the crops and the slider. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
# What a report of 598 images and 12 methods may take on two cores.
LIMIT_S, LIMIT_GB = 20.0, 1.0
REPORT = """
import sys
from pathlib import Path
from bench.cli import main
try:
    sys.argv = ["llbench", "report", sys.argv[1]]
    main()
finally:
    print(Path("/proc/self/status").read_text(), file=sys.stderr)
"""


def main() -> int:
    """Run the benchmark; status 1 where the largest round is over either limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=598, help="images of each method")
    parser.add_argument("--methods", type=int, default=12, help="at most the 12 that are registered")
    parser.add_argument(
        "--pictures", type=int, default=0, help="images kept as full-size PNG, of each method"
    )
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        count = make(out, arguments.images, arguments.methods, arguments.pictures)
        rounds = [report(out) for _ in range(arguments.rounds)]
        page = (out / "report.html").stat().st_size / 1e6
    seconds, peaks = ([one[index] for one in rounds] for index in (0, 1))
    print(
        f"{arguments.images} images x {arguments.methods} methods, {count} result files, report {page:.1f} MB"
    )
    print(f"  time  {statistics.median(seconds):6.2f} s   ({min(seconds):.2f} to {max(seconds):.2f})")
    print(f"  peak  {statistics.median(peaks):6.3f} GB  ({min(peaks):.3f} to {max(peaks):.3f})")
    good = max(seconds) < LIMIT_S and max(peaks) < LIMIT_GB
    print(f"  {'within' if good else 'OVER'} {LIMIT_S:g} s and {LIMIT_GB:g} GB")
    return int(not good)


def make(out: Path, images: int, methods: int, pictures: int) -> int:
    """Write the results and say how many files they are."""
    made_up = load_made_up()
    models = tuple(made_up.COST)[:methods]
    made = made_up.records(models, images=images, per_scene=12, protocols=("release2022",))
    made_up.write(out, made)
    random = np.random.default_rng(0)
    for image in made_up.image_names(images, 12)[: 12 * pictures : 12]:
        coarse = random.integers(0, 255, (89, 133, 3)).astype(np.uint8)
        frame = Image.fromarray(coarse).resize((4256, 2848), Image.Resampling.BICUBIC)
        for name in (*models, "input", "truth"):
            path = out / "predictions" / name / f"{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.save(path, compress_level=1)
    return len(made)


def report(out: Path) -> tuple[float, float]:
    """Wall-clock seconds and peak resident gigabytes of one report process."""
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", REPORT, str(out)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    peak = next(line for line in run.stderr.splitlines() if line.startswith("VmHWM"))
    return seconds, float(peak.split()[1]) * 1024 / 1e9


def load_made_up() -> ModuleType:
    """Load the tests' made-up results, which are in no package."""
    spec = importlib.util.spec_from_file_location("made_up", ROOT / "tests" / "show" / "made_up.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
