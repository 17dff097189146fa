"""The tables of deployments: what a form costs and loses, in the form that everything else is told in."""

from dataclasses import replace

import pytest

from bench.judge import deployments
from bench.judge.results import Results
from bench.records.cells import Record
from bench.show.tables import writers
from bench.show.tables.form_rows import deployment_table, loss_table, speedup_table

FORMS = {("eager", "fp32"): (0.6, 0.0, 0.0), ("openvino", "fp32"): (0.45, 0.0, 0.0)}
FORMS |= {("openvino", "int8"): (0.25, 0.08, 0.002)}
"""Time relative to the published form, and decibels and SSIM lost."""
NOTE = "this processor has no int8 instructions: computed by widening"


def in_form(record, form):
    """The same record as the form would have it."""
    factor, decibels, similarity = FORMS[form]
    values = dict(record.values)
    if record.cell.measurement == "latency":
        for key in ("samples_s", "twin_samples_s"):
            values |= {key: [factor * time for time in values[key]]} if key in values else {}
        values["computes"] = form[1]
        values |= {"banded": record.cell.model == "llpacknet"} if form[0] == "eager" else {}
        values |= {"note": NOTE} if form[1] == "int8" else {}
    if record.cell.measurement == "quality":
        values["psnr"] -= decibels * (2 if record.cell.image.endswith("0.033s") else 1)
        values["ssim"] -= similarity
    return replace(record, cell=replace(record.cell, runtime=form[0], precision=form[1]), values=values)


@pytest.fixture(scope="module")
def results(made_up):
    plain = made_up.records(("llpacknet", "sid-unet"), images=6)
    plain = [
        replace(one, cell=replace(one.cell, runtime="published")) if one.cell.runtime else one
        for one in plain
    ]
    formed = [in_form(one, form) for one in plain if one.cell.runtime for form in FORMS]
    impossible = Record(
        replace(plain[1].cell, runtime="onnxruntime", precision="bf16"), "unsupported", "no bf16 here"
    )
    return Results([*plain, *formed, impossible])


def test_losses_are_taken_image_by_image_against_fp32_as_published(results):
    loss = deployments.loss(results, "llpacknet", "paper2020-gt", ("openvino", "int8"), "psnr")
    assert loss.mean.value == pytest.approx(0.08 * 4 / 3)
    assert loss.worst == pytest.approx(0.16)
    assert loss.image.endswith("0.033s")
    assert deployments.loss(results, "llpacknet", "paper2020-gt", ("published", "fp32"), "psnr") is None


def test_the_table_of_deployments_reads_as_before(results, golden):
    golden("deployments.md", writers.as_markdown(deployment_table(results)))


def test_without_scored_images_nothing_is_said_of_lost_quality(results):
    records = [one for one in results.records if one.cell.measurement != "quality"]
    table = deployment_table(Results(records))
    assert [column.keys[0] for column in table.columns] == [
        *("method", "runtime", "precision", "time_s", "ratio_published", "peak_gb")
    ]
    assert {len(row) for row in table.rows} == {6}
    assert "lost" not in table.caption
    assert "Protocol" not in table.caption


def test_the_table_of_speedups_reads_as_before(results, golden):
    golden("speedups.md", writers.as_markdown(speedup_table(results)))


def test_losses_of_every_image_are_listed(results):
    table = loss_table(results)
    assert len(table.rows) == 6
    assert [column.title for column in table.columns][1:] == [
        "eager fp32",
        "openvino fp32",
        "openvino int8",
    ] * 2


def test_a_folder_of_one_form_has_no_such_tables(made_up):
    single = Results(made_up.records(("llpacknet", "sid-unet")))
    assert [table(single) for table in (deployment_table, loss_table, speedup_table)] == [None] * 3
