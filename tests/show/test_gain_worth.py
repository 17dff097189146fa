"""What knowing the ratio is worth: table, figure and Table 1's caption from the same records."""

from dataclasses import replace

import numpy as np
import pytest

from bench.judge.amplification import OWN, SOURCES, worth
from bench.judge.results import Results
from bench.show.figures import gain_sources, style
from bench.show.tables.gain_worth import worth_table
from bench.show.tables.table1 import table1

STOPS = {"paper2020": 1.2, "paper2020-constant": 0.8, "paper2020-level": 0.7, "paper2020-gt": 0.1}
MODELS = ("llpacknet", "sid-unet", "llpacknet-2020", "lime", "did")


@pytest.fixture(scope="module")
def results(made_up, tmp_path_factory):
    records = []
    for record in made_up.records(MODELS, protocols=tuple(STOPS)):
        cell = record.cell
        controlled = str(cell.protocol) in {"paper2020-constant", "paper2020-level"}
        # Slow methods have no controls, and no image of a protocol that others lack.
        if controlled and cell.model not in {"llpacknet", "sid-unet"}:
            continue
        if cell.measurement == "quality":
            sign = 1 if cell.image.endswith("0.1s") else -1
            values = {**record.values, "brightness_stops": sign * STOPS[cell.protocol]}
            records.append(replace(record, values=values))
        else:
            records.append(record)
    return Results.load(made_up.write(tmp_path_factory.mktemp("out"), records))


def test_sources_are_compared_on_the_images_that_all_have(results):
    found = worth(results)
    assert set(found.methods) == {"llpacknet", "sid-unet", "llpacknet-2020"}
    assert set(found.methods["llpacknet"]) == set(STOPS)
    assert set(found.methods["llpacknet-2020"]) == {OWN}
    assert len(found.images) == 6
    for protocol, at in found.methods["sid-unet"].items():
        assert at.stops == pytest.approx(STOPS[protocol])
        ok = results.scored("sid-unet", protocol).ok
        assert at.psnr == pytest.approx(np.mean([ok[image].values["psnr"] for image in found.images]))


def test_an_image_that_one_lacks_counts_for_none(results, made_up, tmp_path):
    fewer = [r for r in results.records
             if (r.cell.model, r.cell.image) != ("llpacknet-2020", worth(results).images[0])]  # fmt: skip
    assert len(worth(Results.load(made_up.write(tmp_path, fewer))).images) == 5


def test_table_figure_and_caption_name_the_control(results):
    table = worth_table(results)
    assert [column.title for column in table.columns][1:] == list(SOURCES.values())
    cells = {row[0].text: [entry.text for entry in row[1:]] for row in table.rows}
    assert cells["SID U-Net"][0].endswith(" / 0.80")
    assert [text == "–" for text in cells["LLPackNet (2020, histogram)"]] == [True, True, True, False, True]
    assert "one gain for all images (paper2020-constant)" in table1(results).caption
    with style.styled():
        assert gain_sources.figure(results).name == "gain-worth"


def test_without_controls_there_is_none_of_it(made_up, tmp_path):
    plain = Results.load(made_up.write(tmp_path, made_up.records(MODELS)))
    assert worth_table(plain) is None
    assert gain_sources.figure(plain) is None
    assert "Control" not in table1(plain).caption
