import csv
import io
import re
import subprocess
from dataclasses import replace

import pytest
from rich.console import Console

from bench.judge.results import Results
from bench.show.tables import catalogue, published, table1, writers


@pytest.fixture(scope="module")
def results(made_up):
    return Results(made_up.records())


@pytest.fixture(scope="module")
def every_table(results):
    return {table.name: table for table in table1.all_tables(results)}


def printed(table):
    console = Console(width=120, file=io.StringIO(), force_terminal=False, color_system=None)
    console.print(writers.as_rich(table))
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("suffix", "form"),
    [("csv", writers.as_csv), ("md", writers.as_markdown), ("tex", writers.as_latex), ("txt", printed)],
)
def test_table1_in_every_form(every_table, golden, suffix, form):
    golden(f"table1.{suffix}", form(every_table["table1"]))


@pytest.mark.parametrize(
    "name",
    ["red", "ablation", "ratios-paper2020", "costs", "scopes", "kernels", "roofline", "images-paper2020"],
)
def test_further_tables(every_table, golden, name):
    golden(f"{name}.md", writers.as_markdown(every_table[name]))


def test_table_of_the_field(made_up, golden):
    made = made_up.records(("llpacknet", "red", "sid-unet"), images=2)
    newer = {"llpacknet": "adu-net", "red": "rawformer-s"}
    costs = [
        replace(r, cell=replace(r.cell, model=newer[r.cell.model]))
        for r in made
        if r.cell.model in newer and r.cell.measurement != "quality"
    ]
    assert all(table.name != "field" for table in catalogue.tables(Results(made)))
    found = Results(made + costs)
    table = next(table for table in catalogue.tables(found) if table.name == "field")
    golden("field.md", writers.as_markdown(table))
    assert "adu-net" not in writers.as_csv(table1.table1(found)), "the paper's table stays the paper's"


def test_an_unfinished_run_shows_what_there_is_and_says_what_is_missing(made_up, golden):
    made = made_up.records(("sid-unet", "llpacknet", "gain-only"), images=1, rounds=2, frame=(712, 1064))
    made = [
        replace(r, status="skipped", reason="no shipped weights: train it, or import a checkpoint", values={})
        if r.cell.measurement == "quality" and r.cell.model == "sid-unet"
        else r
        for r in made[:-1]
    ]
    golden("table1-unfinished.md", writers.as_markdown(table1.table1(Results(made))))
    golden("problems.md", writers.as_markdown(catalogue.problem_table(Results(made))))


def test_a_users_own_method_has_a_row_after_the_papers(made_up):
    made = made_up.records(("llpacknet", "gain-only"), images=1)
    own = [
        replace(r, cell=replace(r.cell, model="mine:factory")) for r in made if r.cell.model == "llpacknet"
    ]
    rows = list(csv.reader(io.StringIO(writers.as_csv(table1.table1(Results(made + own))))))
    columns, *_, last = rows
    theirs = next(row for row in rows if row[0] == "LLPackNet (release of 2022)")
    assert last[0] == "mine:factory"
    for key in ("time_s_measured", "memory_gb_measured", "parameters_m_measured", "psnr_with_gt_measured"):
        assert last[columns.index(key)] == theirs[columns.index(key)] != ""
    assert last[columns.index("time_s_published")] == ""
    assert "does not know whether and how it was trained" not in last[-1], "a file of weights has its terms"
    within = [replace(r, provenance={**r.provenance, "weights_sha256": None}) for r in own]
    *_, last = csv.reader(io.StringIO(writers.as_csv(table1.table1(Results(made + within)))))
    assert "does not know whether and how it was trained" in last[-1]


def test_published_figures_of_table1_are_the_papers():
    rows = {row["short"]: row["published"] for row in published.load()["table1"] if "published" in row}
    assert rows["LLPackNet 2020"] == {
        "time": "3", "memory": "3", "parameters": "1.1", "psnr_without": "23.27", "ssim_without": "0.69",
        "psnr_with": "27.83", "ssim_with": "0.75",
    }  # fmt: skip
    assert [row["time"] for row in rows.values()] == ["120", "77", "17", "17", "3"]


def test_a_network_with_random_weights_is_marked_and_not_ranked(made_up):
    made = made_up.records(("llpacknet", "red"), images=3)
    best = [
        replace(r, values={**r.values, "psnr": 60.0, "random_weights": True})
        if (r.cell.model, r.cell.measurement) == ("red", "quality")
        else r
        for r in made
    ]
    row = next(row for row in table1.table1(Results(best)).rows if row[0].text.startswith("RED"))
    assert any("Its weights are random: train it" in note for entry in row for note in entry.notes)
    assert "**60" not in writers.as_markdown(table1.table1(Results(best)))


def test_every_dash_is_explained_and_every_footnote_used(every_table):
    for table in every_table.values():
        text = writers.as_markdown(table)
        for mark in table.notes.values():
            assert re.search(rf"<sup>[a-z,]*\b{mark}\b[a-z,]*</sup>", text), (table.name, mark)


def test_csv_holds_every_digit_and_the_interval(every_table):
    rows = list(csv.DictReader(io.StringIO(writers.as_csv(every_table["table1"]))))
    row = next(row for row in rows if row["method"].startswith("SID U-Net ("))
    assert float(row["time_s_published"]) == 17
    low, value, high = (float(row[f"time_s_measured{end}"]) for end in ("_low", "", "_high"))
    assert low <= value <= high
    assert float(row["parameters_m_measured"]) == 7.760748


def test_ranks_leave_out_control_quarter_area_and_incomplete_means(every_table):
    table = every_table["table1"]
    rows = {row[0].text: row for row in table.rows}
    assert rows["LLPackNet (BMVC 2020)"][2].parts[0].rank == 1
    assert rows["Gain only (control)"][2].parts[0].rank == 0
    assert all(part.rank == 0 for part in rows["DID (Maharjan et al., ICME 2019)"][8].parts)


def typeset(pdflatex, folder, name):
    """Compile a file and return LaTeX's log; stops at an error."""
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    return run.stdout


def test_latex_compiles_as_it_is_and_inside_another_document(every_table, tmp_path, pdflatex):
    (tmp_path / "table1.tex").write_text(writers.as_latex(every_table["table1"]))
    paper = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table1}after\end{document}"
    (tmp_path / "paper.tex").write_text(paper)
    for name in ("table1", "paper"):
        typeset(pdflatex, tmp_path, name)
        assert (tmp_path / f"{name}.pdf").stat().st_size > 10_000


def test_every_table_fits_its_page(made_up, tmp_path, pdflatex):
    """Twelve methods side by side, more images than a page has lines, and sentences."""
    made = made_up.records(images=120, rounds=2, protocols=("release2022",))
    made[0] = replace(made[0], status="crash", reason="no such word -- " * 20, values={})
    for table in table1.all_tables(Results(made)):
        (tmp_path / f"{table.name}.tex").write_text(writers.as_latex(table))
        log = typeset(pdflatex, tmp_path, table.name)
        assert "Overfull" not in log, table.name
        pages = int(re.search(r"\((\d+) pages?,", log)[1])
        assert pages == (3 if table.name.startswith("images-") else 1), table.name


def test_a_models_name_cannot_break_latex_or_markdown(made_up):
    made = made_up.records(("llpacknet",))
    hostile = r"a_b&c%d|e{f}:g$h\i"
    made += [replace(r, cell=replace(r.cell, model=hostile)) for r in made]
    for table in table1.all_tables(Results(made)):
        latex = writers.as_latex(table)
        assert hostile not in latex
        for line in writers.as_markdown(table).splitlines():
            if line.startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", line)) == len(table.columns) + 1


def _with_parts(records, lacking=()):
    """Give every judged image scores of its central part, but for some (model, image)."""
    return [
        replace(
            one,
            values=one.values
            | {
                "part": {"height": 712, "width": 1064, "psnr": 20.0 + number / 100, "ssim": 0.5, "lpips": 0.2}
            },
        )
        if one.cell.measurement == "quality" and (one.cell.model, one.cell.image) not in lacking
        else one
        for number, one in enumerate(records)
    ]


def test_the_ranked_column_rests_on_the_same_pixels_of_the_same_images_for_all(made_up):
    made = made_up.records(images=4)
    image = next(r.cell.image for r in made if r.cell.measurement == "quality")
    table = table1.table1(Results(_with_parts(made, {("did", image)})))
    found = [index for index, column in enumerate(table.columns) if column.title == "same part"]
    assert [table.columns[index].better for index in found] == [("high", None)] * 2
    for index in found:
        used = [row[index].behind for row in table.rows if row[index].behind]
        images = {frozenset((r.cell.dataset, r.cell.image) for r in behind) for behind in used}
        pixels = {(r.values["part"]["height"], r.values["part"]["width"]) for one in used for r in one}
        assert len(used) > 6
        assert len(images) == 1
        assert image not in {name for one in images for _, name in one}
        assert pixels == {(712, 1064)}
        assert all(part.ranked for row in table.rows[:2] for part in row[index].parts)
    whole = [
        column for column in table.columns if column.title.startswith("whole") and "PSNR" in column.group
    ]
    assert [column.better for column in whole] == [(), ()]


def test_open_cells_say_that_they_are_still_to_come(made_up):
    made = made_up.records(("llpacknet", "did"), images=1)
    made = [one for one in made if (one.cell.model, one.cell.measurement) != ("did", "latency")]
    left = {("latency", "did"): 120.0, ("latency", "llpacknet"): 60.0}
    table = table1.table1(Results(made, pending=left))
    text = table1.lines(table)
    (did,) = [line for method, line in text.items() if method.startswith("DID")]
    assert "Time s still to come: 2.0 min" in did
    assert sum("Predicted time" in note for note in table.notes) == 1
    assert any("more is still to come" in note for note in table.notes)
    assert not any(row[2].parts[0].rank for row in table.rows), "nothing is best before all is measured"
    assert any(row[6].parts[0].rank for row in table.rows)


def test_after_one_round_no_time_is_best_and_no_noise_floor_is_stated(made_up):
    models = ("llpacknet", "red", "sid-unet")
    one, five = (table1.table1(Results(made_up.records(models, rounds=rounds))) for rounds in (1, 5))
    assert "not known yet, after a single round" in one.caption
    assert " %" not in one.caption
    assert "not known yet" not in five.caption
    assert [any(row[2].parts[0].rank for row in table.rows) for table in (one, five)] == [False, True]


def test_where_all_restored_whole_images_there_is_one_figure_of_quality(made_up):
    models = ("llpacknet", "red")
    titles = [
        [column.title for column in table1.table1(Results(_with_parts(made_up.records(those)))).columns]
        for those in (models, (*models, "did"))
    ]
    assert ["same part" in found for found in titles] == [False, True]


def test_each_kind_of_ssim_is_named_below_the_table(made_up):
    both = Results(made_up.records(("red",), protocols=("paper2020", "release2022")))
    caption = table1.table1(both).caption
    assert "SSIM under paper2020 as in MATLAB" in caption
    assert "SSIM under release2022 with scikit-image's uniform window" in caption
    paper = table1.table1(Results(made_up.records(("red",)))).caption
    assert paper.count("SSIM as in MATLAB") == paper.count("SSIM") == 1
