"""The notebook redraws Figure 1 from a results folder, with the numbers that the tables have."""

import csv
import json

import nbformat
import pytest
from nbclient import NotebookClient

SHOW_ALL = "print(measured.to_json())"


@pytest.fixture(scope="module")
def run(results, pytestconfig):
    notebook = nbformat.read(pytestconfig.rootpath / "examples" / "figure1.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(SHOW_ALL))
    NotebookClient(notebook, resources={"metadata": {"path": str(results.parent)}}, timeout=120).execute()
    return notebook


def test_it_is_kept_without_outputs(pytestconfig):
    text = (pytestconfig.rootpath / "examples" / "figure1.ipynb").read_text(encoding="utf-8")
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"]] == []


def test_it_draws(run):
    drawn = [output for cell in run.cells for output in cell.get("outputs", []) if "data" in output]
    assert any("image/png" in output["data"] for output in drawn)


def test_its_numbers_are_those_of_table_1(run, results):
    measured = json.loads(run.cells[-1]["outputs"][0]["text"])
    with (results / "tables" / "table1.csv").open(encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    for model, title in {"tiny": "tiny", "gain-only": "Gain only (control)"}.items():
        row = rows[title]
        assert measured["time_s"][model] == pytest.approx(float(row["time_s_measured"]), rel=0.02)
        assert measured["psnr_db"][model] == pytest.approx(float(row["psnr_without_gt_measured"]), rel=0.02)
    assert measured["parameters_m"]["tiny"] == pytest.approx(
        float(rows["tiny"]["parameters_m_measured"]), rel=0.02
    )
