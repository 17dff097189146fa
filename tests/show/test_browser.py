"""The report in a real browser: a script added to a copy of the page uses it as a reader would."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.show import report

WATCH = """<script>
const seen = { errors: [] };
addEventListener("error", (event) => seen.errors.push(event.message));
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
</script>"""

USE = (Path(__file__).parent / "use_report.js").read_text(encoding="utf-8")
CHECK = """
addEventListener("load", async () => {
  for (const hidden of document.querySelectorAll("details")) hidden.open = true;
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const seen = found.violations.map((one) => ({ ...one, nodes: one.nodes.map((node) => node.html) }));
  const text = JSON.stringify({ rules: found.passes.length, seen });
  document.body.innerHTML = "";
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: text }));
});
"""
SIZES = {"laptop": (1366, 768), "phone": (390, 844)}


@pytest.fixture(scope="module")
def written(made_up, tmp_path_factory):
    """Write a report and return its folder."""
    models = ("did", "sid-unet", "llpacknet", "llpacknet-2020", "red", "gain-only")
    out = made_up.write(tmp_path_factory.mktemp("results"), made_up.records(models, images=3))
    image, random = made_up.image_names(1)[0], np.random.default_rng(0)
    for name in ("input", "sid-unet", "llpacknet", "truth"):
        path = out / "predictions" / name / f"{image}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(random.integers(0, 255, (96, 144, 3)).astype(np.uint8)).save(path)
    report.write_all(out)
    return out


def opened(browser, path, size):
    """Open a page in a window of a size and return what its script left, and what stood on the console."""
    width, height = size
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--no-first-run", "--enable-logging=stderr"),
        *(f"--user-data-dir={path.parent / 'profile'}", f"--window-size={width},{height}"),
        *("--virtual-time-budget=20000", "--dump-dom", path.as_uri()),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="seen">(.*?)</pre>', run.stdout, re.DOTALL)
    assert found, run.stdout[-500:]
    values = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return {**values, "console": [line for line in run.stderr.splitlines() if "CONSOLE" in line]}


def with_scripts(written, name, *scripts, head=""):
    """Write a copy of the report with scripts at its end, and return its path."""
    text = (written / "report.html").read_text(encoding="utf-8")
    ends = "".join(f"<script>{script}</script>" for script in scripts)
    text = text.replace("<head>", f"<head>{head}", 1).replace("</body>", f"{ends}</body>", 1)
    path = written / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=list(SIZES))
def seen(request, browser, written):
    """Use the page in a window of a size and return what the script saw."""
    return opened(browser, with_scripts(written, "used.html", USE, head=WATCH), SIZES[request.param])


@pytest.mark.parametrize(
    ("size", "scheme"), [("laptop", "light"), ("laptop", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_an_accessibility_checker_has_no_serious_finding(browser, axe, written, size, scheme):
    path = with_scripts(written, "checked.html", axe.replace("</script", "<\\/script"), CHECK)
    text = path.read_text(encoding="utf-8")
    assert "@media (prefers-color-scheme: dark)" in text
    if scheme == "dark":
        path.write_text(text.replace("(prefers-color-scheme: dark)", "all", 1), encoding="utf-8")
    found = opened(browser, path, SIZES[size])
    assert found["rules"] > 20
    assert [one for one in found["seen"] if one["impact"] in {"serious", "critical"}] == []


def test_nothing_goes_wrong_and_nothing_is_fetched(seen):
    assert seen["errors"] == []
    assert seen["console"] == []
    assert seen["fetched"] == []


def test_sorting_sorts_by_value_and_back(seen):
    rising = [float(value) for value in seen["rising"]]
    assert len(set(rising)) > 3
    assert rising == sorted(rising)
    assert seen["sort"] == "ascending"
    assert [float(value) for value in seen["falling"]] == rising[::-1]


def test_verdicts_are_folded_until_a_link_leads_to_one_or_the_page_is_printed(seen):
    assert seen["folded"] == seen["groups"] > 3
    assert seen["opened"] == [True]
    assert seen["printed"] == seen["groups"]
    assert seen["after"] == 1


def test_the_filter_leaves_one_kind_of_verdict_in_open_groups(seen):
    assert set(seen["shown"]) == {"inconsistent-at-source"}
    assert set(seen["left"]) == {True}
    assert seen["counted"].startswith(f"{len(seen['shown'])} of ")


def test_the_slider_moves_by_its_control_and_by_dragging(seen):
    assert seen["line"] / seen["width"] == pytest.approx(0.2, abs=0.01)
    assert seen["dragged"] == pytest.approx(75, abs=1)
    assert seen["right"] == "LLPackNet"


def test_an_image_keeps_its_shape_on_the_stage(seen):
    assert seen["shape"][0] == pytest.approx(seen["shape"][1], rel=0.02)


def test_keys_zoom_all_images_of_a_scene_together(seen):
    assert seen["zoom"] > 1.5
    assert len(set(seen["transforms"])) == 1
    assert f"scale({seen['zoom']:g})" in seen["transforms"][0]


def test_every_control_has_a_name_and_the_page_fits_the_window(seen):
    assert seen["unnamed"] == []
    assert seen["wide"] <= 0
