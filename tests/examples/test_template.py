"""The template for a network of one's own, from its source to Table 1."""

import csv

from bench.records import store

from .conftest import run


def test_its_own_test_passes_where_it_is_installed(template, tmp_path, pytestconfig):
    own = pytestconfig.rootpath / "examples" / "tiny-network" / "tests"
    done = run([template.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", own], cwd=tmp_path)
    assert done.stdout.startswith(". ")


def test_it_has_its_row_in_table_1(results):
    rows = list(csv.DictReader((results / "tables" / "table1.csv").open(encoding="utf-8")))
    row = next(row for row in rows if row["method"] == "tiny")
    assert row["parameters_m_measured"] == "0.02776"  # (145 + 289) x 32 + 289 x 48 parameters
    assert float(row["time_s_measured"]) > 0
    assert float(row["psnr_with_gt_measured"]) > 10
    assert row["time_s_published"] == ""


def test_its_results_are_known_by_its_code_and_weights(results, template):
    cells = [store.read(path) for path in store.files(results)]
    (found,) = {cell.provenance["model_sha256"] for cell in cells if cell.cell.model == "tiny"}
    script = "from bench.records.provenance import model_sha256; print(model_sha256('tiny'))"
    assert run([template.python, "-c", script], cwd=results).stdout.strip() == found != "None"
