"""The pages keep their word: links work, commands parse, and those that can run here do, at small sizes."""

import os
import shlex
import shutil
import subprocess

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.data.making.make import make
from bench.machine.caches import place

from .commandline import parse
from .conftest import make_environment
from .pages import ROOT, SHELL, anchors, blocks, fragments, lines, links, pages

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]
SIZE = "64x96"
# Inside scikit-image.
PHOTOGRAPHS = {"coffee": "training", "rocket": "validation"}
# Defaults of options, set in the way that the quick start describes.
SMALL = {
    "LLBENCH_REPRODUCE_SIZE": SIZE,
    "LLBENCH_REPRODUCE_ROUNDS": "1",
    "LLBENCH_REPRODUCE_MODELS": "gain-only",
    "LLBENCH_REPRODUCE_OFFLINE": "1",
    "LLBENCH_RUN_SIZE": SIZE,
    "LLBENCH_RUN_ROUNDS": "1",
    "LLBENCH_DATA_MAKE_SIZE": SIZE,
    "LLBENCH_SCORE_LPIPS": "none",
    "LLBENCH_TRAIN_STEPS": "1",
    "LLBENCH_TRAIN_BATCH": "1",
    "LLBENCH_TRAIN_PATCH": "64",
    "LLBENCH_TRAIN_WORKERS": "0",
}


class Reader:
    """Somebody who types what the pages say, in a folder and an environment of their own."""

    def __init__(self, root):
        self.folder = root / "work"
        environment = make_environment(root / "environment")
        script = environment.python.with_name("llbench")
        script.write_text(
            f"#!{environment.python}\nimport sys\nfrom bench.cli import main\nsys.exit(main())\n"
        )
        script.chmod(0o755)
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.variables = own | SMALL
        self.variables |= {
            "HOME": str(root / "home"),
            "PATH": os.pathsep.join([str(environment.python.parent), os.environ["PATH"]]),
            "OMP_NUM_THREADS": "1",
            # What is compiled once is kept; only ~/SID is another's.
            "LLBENCH_CACHE": str(place()),
            "MPLCONFIGDIR": mpl.get_cachedir(),
        }
        self.typed = set()

    def types(self, line):
        """Run a line, unless it was run on an earlier page."""
        key = tuple(shlex.split(line, comments=True))
        if key in self.typed:
            return
        self.typed.add(key)
        self.run(["sh", "-c", line], line)

    def run(self, command, what):
        done = subprocess.run(
            command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{what}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    root = tmp_path_factory.mktemp("reader")
    made = make(root / "home" / "SID", 1, 1, (64, 96))
    assert len(made.pairs) >= 3
    found = Reader(root)
    for name in ("photos", "mine", "truth"):
        (found.folder / name).mkdir(parents=True)
    rows = "".join(f"{name}.jpg,{use}\n" for name, use in PHOTOGRAPHS.items())
    (found.folder / "photos" / "photographs.csv").write_text(f"file,use\n{rows}", encoding="utf-8")
    for name in PHOTOGRAPHS:
        Image.fromarray(getattr(data, name)()[100:228, 100:292]).save(found.folder / "photos" / f"{name}.jpg")
    shutil.copy(made.pairs[0].short, found.folder / "night.ARW")
    image = data.astronaut()[:96, :128]
    Image.fromarray(image).save(found.folder / "truth" / "10003_00_10s.png")
    Image.fromarray(image // np.uint8(2)).save(found.folder / "mine" / "10003_00_0.1s.png")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_whether_it_is_run(page):
    unmarked = [one.where for one in blocks(page) if one.language in {*SHELL, "python"} and one.kind is None]
    assert unmarked == [], "write <!-- run -->, <!-- not run: WHY --> or <!-- file: NAME --> above it"
    assert [one.where for one in blocks(page) if one.kind in {"not run", "file"} and not one.what] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_is_one_that_the_parser_takes(page):
    for line in lines(page):
        parse(line)
    for fragment in fragments(page):
        parse(fragment, whole=False)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_into_the_project_leads_somewhere(page):
    found = links(page)
    assert [str(file) for file, _ in found if not file.exists()] == []
    assert [(file.name, anchor) for file, anchor in found if anchor and anchor not in anchors(file)] == []


@pytest.mark.skipif(os.name == "nt", reason="the pages' blocks are for sh")
@pytest.mark.parametrize(
    "page", [one for one in PAGES if any(b.kind == "run" for b in blocks(one.values[0]))]
)
def test_what_is_marked_as_run_runs(page, reader):
    for block in blocks(page):
        if block.kind == "file":
            (reader.folder / block.what).write_text(f"{block.text}\n", encoding="utf-8")
        elif block.kind == "run" and block.language in SHELL:
            for line in block.commands:
                reader.types(line)
        elif block.kind == "run":
            reader.run([shutil.which("python", path=reader.variables["PATH"]), "-c", block.text], block.where)
