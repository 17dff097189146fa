"""One scene in many encodings of DNG is one scene: the mosaics and colours that are read agree."""

import numpy as np
import pytest

from llpacknet.errors import InputError
from llpacknet.raw.read import read_raw


@pytest.fixture(scope="module")
def folder(cases, tmp_path_factory):
    made = tmp_path_factory.mktemp("dng")
    cases("dngcases").main(made)
    return made


def decibels(folder, name, reference="plain"):
    pair = [read_raw(folder / f"{each}.dng").normalised().astype(np.float64) for each in (name, reference)]
    return -10 * np.log10(np.mean((100 * (pair[0] - pair[1])) ** 2))


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("black_2x2", 45),
        ("black_delta_v", 99),
        ("black_delta_h", 99),
        ("black_fraction", 45),
        ("black_delta_v_ramp", 45),
        ("table_8bit", 20),
        ("packed_12", 35),
        ("float32", 40),
        ("bits_10_in_16", 25),
    ],
)
def test_levels_are_those_of_the_plain_file(folder, name, least):
    """In decibels at a gain of 100; each encoding has its own grain."""
    with np.errstate(divide="ignore"):
        assert decibels(folder, name) > least


@pytest.mark.parametrize("seed", range(6))
def test_a_black_level_that_varies_is_subtracted_where_it_is(cases, tmp_path, seed):
    case = cases("dngcases")
    rng = np.random.default_rng(seed)
    rows, columns = rng.uniform(300, 600, case.HEIGHT), rng.uniform(0, 60, case.WIDTH)
    black = rows[:, None] + columns
    values = np.clip(np.rint(case.scene() * 15000 + black), 0, 65535).astype("<u2")
    case.write(tmp_path / "a.dng", values.tobytes(), black=(0,), delta_v=tuple(rows), delta_h=tuple(columns))
    found = read_raw(tmp_path / "a.dng")
    light = found.mosaic.astype(np.float64) - found.black[0]
    assert np.abs(light - case.scene() * 15000).max() < 2
    assert found.notes == ()


def test_what_cannot_be_laid_on_the_rows_is_said_to_be_averaged(cases, tmp_path):
    case = cases("dngcases")
    plain = case.samples(case.scene()).tobytes()
    case.write(tmp_path / "a.dng", plain, black=(0,), delta_v=tuple(np.linspace(480, 544, case.HEIGHT - 6)))
    (note,) = read_raw(tmp_path / "a.dng").notes
    assert "varies by 64 over its rows" in note


@pytest.mark.parametrize("kind", ["", "phone_"])
def test_a_white_given_as_chromaticity_has_the_same_colours(folder, kind):
    plain, other = (
        read_raw(folder / f"{name}.dng") for name in (f"{kind}plain".strip("_"), f"{kind}white_xy")
    )
    assert np.allclose(plain.color_matrix, other.color_matrix, atol=1e-3)
    assert np.allclose(plain.white_balance, other.white_balance, atol=0.01)
    assert other.notes == ()


def test_what_is_demosaicked_already_is_refused_by_name(folder):
    with pytest.raises(InputError, match="already demosaicked"):
        read_raw(folder / "linear_rgb.dng")
