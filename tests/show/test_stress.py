"""The stress set stands beside the same images without it."""

from dataclasses import replace

import pytest

from bench.judge.results import Results
from bench.show.tables.stress import stress_table


def test_only_images_that_both_sets_have_are_compared(made_up, tmp_path):
    plain = made_up.records(("llpacknet", "did"), protocols=("release2022",))
    judged = [one for one in plain if one.cell.measurement == "quality" and one.cell.model == "llpacknet"][:4]
    moved = [
        replace(
            one,
            cell=replace(one.cell, dataset="made-black-12345678"),
            values={**one.values, "psnr": one.values["psnr"] - 2},
        )
        for one in judged
    ]
    results = Results.load(made_up.write(tmp_path, [*plain, *moved]))
    assert results.dataset == "made-12345678"
    table = stress_table(results)
    assert len(table.rows) == 1
    assert table.rows[0][3].parts[0].value == pytest.approx(-2)
    assert "images: 4." in table.caption
    assert stress_table(Results(plain)) is None
