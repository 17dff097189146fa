import hashlib
import html.parser
import itertools
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli.claims import command as claims_command
from bench.cli.report import command as report_command
from bench.judge.results import Results
from bench.records import schema, store
from bench.show import report
from bench.show.figures import crops, restored
from llpacknet.errors import InputError

WRITE_ALL = """
import sys
from pathlib import Path
from bench.show import report
report.write_all(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def folder(made_up, tmp_path_factory) -> Path:
    out = made_up.write(tmp_path_factory.mktemp("results"), made_up.records())
    random = np.random.default_rng(0)
    for image in made_up.image_names(2, per_scene=1):
        scene = np.kron(random.integers(0, 255, (18, 27, 3)), np.ones((16, 16, 1))).astype(np.uint8)
        for name in ("input", "sid-unet", "llpacknet", "truth"):
            path = out / "predictions" / name / f"{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(scene // (9 if name == "input" else 1)).save(path)
        middle = scene[72:216, 108:324]
        (out / "predictions" / "did").mkdir(exist_ok=True)
        Image.fromarray(middle).save(out / "predictions" / "did" / f"{image}.png")
    report.write_all(out)
    return out


# Attributes by which a page makes a browser fetch something, or leads somewhere.
ADDRESSES = ("src", "href", "srcset", "data", "poster", "action", "xlink:href", "background")
VOID = {"meta", "link", "img", "br", "input"}


class Page(html.parser.HTMLParser):
    """Collects what a browser would fetch, and the ids, headings, table heads and folded groups of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.images_without_alt = 0
        self.heads_without_scope = 0
        self.headings: list[int] = []
        self.title = ""
        self.lang: str | None = None
        # Text of each folded group's summary, and the ids inside the group.
        self.groups: list[tuple[str, list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.addresses += [found[key] for key in ADDRESSES if found.get(key)]
        self.ids += [found["id"]] if "id" in found else []
        self.images_without_alt += tag == "img" and not found.get("alt")
        self.heads_without_scope += tag == "th" and "scope" not in found
        self.headings += [int(tag[1])] if tag in {"h1", "h2", "h3", "h4"} else []
        self.lang = found.get("lang") if tag == "html" else self.lang
        if found.get("class") == "fold source":
            self.groups.append(("", []))
        if self._in_group() and "id" in found:
            self.groups[-1][1].append(found["id"])
        if tag not in VOID:
            self._open.append((tag, found))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        tags = [tag for tag, _ in self._open]
        self.title += data if tags[-1:] == ["title"] else ""
        if self._in_group() and "summary" in tags and "tbody" not in tags:
            text, ids = self.groups[-1]
            self.groups[-1] = (f"{text} {data}", ids)

    def _in_group(self):
        return any(found.get("class") == "fold source" for _, found in self._open)


@pytest.fixture(scope="module")
def page(folder) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_fetches_nothing_and_its_links_lead_somewhere(folder, page):
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert "@import" not in text
    assert "url(" not in text
    assert len(text) < 15_000_000


def test_a_screen_reader_finds_language_title_headings_in_order_and_what_heads_stand_for(page):
    assert page.lang == "en"
    assert page.title == "LLPackNet benchmark report"
    assert page.images_without_alt == 0
    assert page.heads_without_scope == 0
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(later <= before + 1 for before, later in itertools.pairwise(page.headings))


def test_what_people_come_for_stands_first_and_the_machine_last(page):
    order = ["summary", "table-table1", "figure-figure1", "figures", "images", "verdicts", "tables"]
    order += ["environment", "reproduce"]
    places = [page.ids.index(name) for name in order]
    assert places == sorted(places)


def test_the_headline_has_six_sentences_each_with_its_verdicts(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    headline = text.partition('<ol class="headline">')[2].partition("</ol>")[0]
    verdicts = json.loads((folder / "claims.json").read_text())
    expected = [entry for entry in verdicts if entry["source"] == "readme, headline"]
    assert headline.count("<li>") == len({entry["published"] for entry in expected}) == 6
    shown = re.findall(
        r'<span class="badge ([a-z-]+)">\1(?:: [a-z -]+)?</span> <a href="#([a-z0-9-]+)">', headline
    )
    assert shown == [(entry["verdict"], entry["id"]) for entry in expected]


def test_every_verdict_is_in_the_folded_group_of_its_source_which_counts_its_outcomes(folder, page):
    verdicts = {entry["id"]: entry for entry in json.loads((folder / "claims.json").read_text())}
    assert sorted(name for _, ids in page.groups for name in ids) == sorted(verdicts)
    sources = []
    for text, ids in page.groups:
        counted = Counter(verdicts[name]["verdict"] for name in ids)
        found = re.findall(r"(\d+) ([a-z-]+)", text.rpartition(":")[2])
        assert {outcome: int(count) for count, outcome in found} == counted
        assert f" {len(ids)} claim" in text
        if not counted.keys() & {"conditions-differ", "inconsistent-at-source"}:
            sources.append({verdicts[name]["source"].partition(",")[0] for name in ids})
    assert all(len(names) == 1 for names in sources)
    assert len(set().union(*sources)) == len(sources)
    assert '<details class="fold source" open' not in (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_names_every_claim_table_and_figure(folder, page):
    verdicts = json.loads((folder / "claims.json").read_text())
    assert {entry["id"] for entry in verdicts} <= set(page.ids)
    assert {f"table-{path.stem}" for path in folder.glob("tables/*.md")} - set(page.ids) == {
        "table-environment"
    }
    assert {f"figure-{path.stem}" for path in folder.glob("figures/*")} <= set(page.ids)
    assert {"figure1", "latency", "memory", "quality-time", "psnr-ratio", "psnr-image"} <= {
        path.stem for path in folder.glob("figures/*.svg")
    }
    assert [path.name for path in folder.glob("figures/crops.*")] == ["crops.jpg"]


def test_one_scene_is_whole_at_full_resolution_and_the_others_are_crops(folder, made_up):
    text = (folder / "report.html").read_text(encoding="utf-8")
    first, second = made_up.image_names(2, per_scene=1)
    assert f'<h3>{first}</h3>\n<p class="caption">Whole image at full resolution, JPEG 85.' in text
    assert f'<h3>{second}</h3>\n<p class="caption">Crop of 144x144 pixels (to' in text
    assert f'alt="{second}: the whole frame, with the crop outlined"' in text
    assert f'alt="{first}: the whole frame' not in text


def test_the_outline_on_the_whole_frame_lies_around_the_crop(folder):
    shots = next(iter(restored.kept(folder, Results.load(folder), 1).values()))
    row, column, high, wide = restored.place(shots)
    plain = np.asarray(shots[-1].open()).astype(int)
    marked = np.asarray(restored.overview(shots)).astype(int)
    assert marked.shape == plain.shape  # smaller than an overview: shown as it is
    rows, columns = np.nonzero(np.abs(marked - plain).max(axis=2))
    assert rows.min() == pytest.approx(row, abs=3)
    assert rows.max() == pytest.approx(row + high, abs=3)
    assert columns.min() == pytest.approx(column, abs=3)
    assert columns.max() == pytest.approx(column + wide, abs=3)
    inside = np.s_[row + 3 : row + high - 3, column + 3 : column + wide - 3]
    assert (marked[inside] == plain[inside]).all()


def test_a_scene_that_is_too_large_is_made_coarser_and_a_crop_shows_its_full_resolution(folder, monkeypatch):
    whole, other = crops.slides(folder, Results.load(folder))
    small = sum(len(view["source"]) for view in other["views"])
    fine = sum(len(view["source"]) for view in whole["views"])
    monkeypatch.setattr(crops, "BUDGET", small + fine // 3)
    coarser, crop, last = crops.slides(folder, Results.load(folder))
    assert coarser["what"].startswith("Whole image at 1/")
    assert sum(len(view["source"]) for view in coarser["views"]) <= fine // 3
    assert crop["image"] == coarser["image"]
    assert crop["what"].startswith("Crop of")
    assert last == other


def test_synthetic_data_is_named_wherever_an_image_was_judged(folder, made_up, tmp_path):
    assert "Synthetic data." in (folder / "report.html").read_text()
    for name in ("table1", "red", "ablation", "ratios-paper2020", "images-paper2020"):
        for suffix in ("md", "tex"):
            assert "synthetic" in (folder / "tables" / f"{name}.{suffix}").read_text()
    out = made_up.write(tmp_path, made_up.records(("llpacknet", "sid-unet"), synthetic=False))
    report.write_all(out)
    assert "ynthetic" not in (out / "tables" / "table1.md").read_text()
    assert "Synthetic data." not in (out / "report.html").read_text()


def test_a_run_on_small_frames_says_first_that_it_is_for_no_verdicts(folder, made_up, tmp_path):
    assert "this checks the installation" not in (folder / "report.html").read_text()
    out = made_up.write(tmp_path, made_up.records(("llpacknet", "red"), images=1, frame=(712, 1064)))
    report.write_all(out)
    top = (out / "report.html").read_text().partition('id="summary"')[0]
    assert "Measured at 712x1064 instead of 2848x4256: this checks the installation." in top


def test_the_same_results_give_the_same_bytes(folder, tmp_path):
    for name in ("cells", "predictions"):
        subprocess.run(["cp", "-r", str(folder / name), str(tmp_path)], check=True)
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\nsavefig.dpi: 50\n")
    environment = {
        "PYTHONHASHSEED": "77", "PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo", "HOME": str(tmp_path),
        "MATPLOTLIBRC": str(tmp_path), "LC_ALL": "C", "OMP_NUM_THREADS": "1",
        # Which fonts there are is no matter of this folder, and takes seconds to find out.
        "MPLCONFIGDIR": mpl.get_cachedir(),
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", WRITE_ALL, str(tmp_path)],
        check=True,
        env=environment,
        cwd=Path.cwd(),
        capture_output=True,
    )
    assert digests(tmp_path) == digests(folder)


def digests(out: Path) -> dict[str, str]:
    files = [*out.glob("tables/*"), *out.glob("figures/*"), out / "report.html", out / "claims.json"]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("kind", ["latency", "memory", "complexity", "quality"])
def test_half_a_run_is_shown(made_up, tmp_path, kind):
    made = [record for record in made_up.records(images=2) if record.cell.measurement == kind]
    failed = replace(made[0], status="timeout", reason="no end after 600 s", values={})
    report.write_all(made_up.write(tmp_path, [failed, *made[1:]]))
    text = (tmp_path / "report.html").read_text()
    assert "timeout: no end after 600 s" in text
    assert text.rstrip().endswith("</html>")


def test_results_of_an_older_release_are_shown(made_up, tmp_path):
    """Before kernels, twins, scopes and fused counts: the least that schema 1 asks for, an axis fewer."""
    folder = tmp_path / "cells"
    folder.mkdir()
    for record in made_up.records(("sid-unet", "llpacknet"), images=3):
        kind = record.cell.measurement
        if kind == "kernels":
            continue
        raw = {**vars(record), "cell": dict(vars(record.cell)), "environment": {}, "provenance": {}}
        raw["values"] = {
            key: raw["values"][key] for key in schema.SCHEMA["$defs"][f"{kind}-values"]["required"]
        }
        if kind == "complexity":
            del raw["cell"]["threads"], raw["cell"]["runtime"]
        (folder / store._named(raw["cell"])).write_text(json.dumps(raw))
    report.write_all(tmp_path)
    verdicts = {entry["id"]: entry["verdict"] for entry in json.loads((tmp_path / "claims.json").read_text())}
    assert verdicts["red-parameters-sid-unet"] == "reproduced"
    assert verdicts["readme-parameters"] == "not-run"
    assert (tmp_path / "report.html").read_text().rstrip().endswith("</html>")


def test_text_from_results_cannot_become_markup(made_up, tmp_path):
    made = made_up.records(("llpacknet",), images=1)
    hostile = "<script>alert(1)</script>"
    made[0] = replace(
        made[0], environment={"cpu": {"model": hostile}}, status="crash", reason=hostile, values={}
    )
    report.write_all(made_up.write(tmp_path, made))
    assert hostile not in (tmp_path / "report.html").read_text()


def test_figures_are_large_enough_for_print(folder):
    for path in folder.glob("figures/*.[pj][np]g"):
        with Image.open(path) as image:
            assert image.width >= 3.4 * 300, path.name


def test_the_command_prints_table_and_verdicts(made_up, tmp_path):
    folder = made_up.write(tmp_path, made_up.records(("llpacknet", "sid-unet"), images=3))
    run = CliRunner().invoke(report_command, [str(folder)], standalone_mode=False)
    assert run.return_value == 0
    assert "Table 1" in run.output
    run = CliRunner().invoke(claims_command, [str(folder), "--json"], standalone_mode=False)
    assert json.loads(run.output) == json.loads((folder / "claims.json").read_text())
    assert (
        CliRunner().invoke(claims_command, [str(folder), "--strict"], standalone_mode=False).return_value == 1
    )
    made_up.write_trainings(tmp_path / "elsewhere", made_up.trainings())
    given = [str(folder), "--json", "--unpack", str(tmp_path / "elsewhere" / "unpack")]
    run = CliRunner().invoke(claims_command, given, standalone_mode=False)
    verdicts = {entry["id"]: entry["verdict"] for entry in json.loads(run.output)}
    assert verdicts["ours-batched"] == "reproduced"


@pytest.mark.parametrize("kept", [0, 60, 2000])
def test_a_damaged_image_is_named_in_one_line(folder, tmp_path, kept):
    copy = shutil.copytree(folder, tmp_path / "copy")
    damaged = min((copy / "predictions" / "truth").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:kept])
    with pytest.raises(InputError, match=damaged.name):
        report.write_all(copy)
