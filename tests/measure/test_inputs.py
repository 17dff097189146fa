"""Frames are cut and repeated without moving the Bayer phase."""

import numpy as np
import pytest

from baselines import create
from bench.measure.inputs import BLACK, WHITE, Part, central, crop, fit, made_up_frame
from bench.measure.subjects import dress
from bench.records.cells import Cell


def phases(mosaic):
    """Mark each pixel with its place in the Bayer pattern."""
    rows, columns = np.indices(mosaic.shape)
    return (rows % 2 * 2 + columns % 2).astype(np.uint16)


@pytest.mark.parametrize("size", [(64, 96), (62, 94), (30, 96), (130, 200), (500, 90)])
def test_any_size_keeps_the_phase(size):
    frame = made_up_frame(64, 96)
    frame.mosaic[:] = phases(frame.mosaic)
    fitted = fit(frame, *size)
    assert fitted.mosaic.shape == size
    assert np.array_equal(fitted.mosaic, phases(fitted.mosaic))


def test_a_quarter_of_the_area_is_even_and_centred():
    frame = made_up_frame(2848 // 8, 4256 // 8)
    assert central(frame.mosaic.shape, 2) == Part(88, 132, 178, 266)
    part = crop(frame, 178, 266).mosaic
    assert np.array_equal(part, frame.mosaic[88 : 88 + 178, 132 : 132 + 266])


def test_a_made_up_frame_is_dark_and_the_same_every_time():
    frame = made_up_frame(64, 96)
    assert np.array_equal(frame.mosaic, made_up_frame(64, 96).mosaic)
    assert 0 < frame.normalised().mean() < 0.01


def test_what_lies_below_black_reaches_the_network_that_asks_for_it():
    frame = made_up_frame(32, 48)
    frame.mosaic[0, 0], frame.mosaic[0, 1] = BLACK - 12, WHITE
    placed = {}
    for model in ("dnf", "adu-net"):
        cell = Cell(model, "latency", device="cpu", runtime="published", precision="fp32", threads=1)
        subject = dress(cell, create(model, weights="none"))
        placed[model] = subject.place(frame, 100.0, subject.conventions.input_clip)
    assert placed["dnf"][0, 0, 0, 0].item() == pytest.approx(-12 / 15871 * 100)
    assert placed["adu-net"][0, 0, 0, 0].item() == 0
    assert placed["dnf"][0, 0, 0, 1].item() == placed["adu-net"][0, 0, 0, 1].item() == 1
    assert np.array_equal(placed["dnf"].clamp(min=0), placed["adu-net"])
