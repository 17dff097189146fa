"""Procedural scenes: repeatable, covered, lit, and with the statistics of photographs."""

import numpy as np
import pytest

from bench.data.making.camera import tone
from bench.data.scenes import KINDS, compose, culling, render
from bench.data.scenes.bodies import FAR, meet
from bench.data.scenes.noise import dead_leaves, letters
from bench.data.scenes.palette import derive, palette
from bench.data.scenes.rendering import lens_blur
from docs.image_statistics import gradient_kurtosis, luminance, spectrum_slope

SIZE = (176, 264)


def image(kind, seed=1, size=SIZE, threads=1):
    return render(compose(kind, np.random.SeedSequence(seed)), size, threads)


def shown(radiance, level=0.08):
    return tone(np.clip(radiance * (level / np.median(radiance[..., 1].clip(1e-6))), 0, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_linear_light_without_gaps(kind):
    light = image(kind)
    assert light.shape == (*SIZE, 3)
    assert light.dtype == np.float32
    assert np.isfinite(light).all()
    assert light.min() >= 0
    assert (light.sum(axis=2) > 0).all(), "every pixel is covered"
    spread = np.percentile(light[..., 1], 99) / np.percentile(light[..., 1], 5)
    assert spread > 5, "night has dark and lit places"


def test_the_same_seed_gives_the_same_light_on_any_number_of_threads():
    assert np.array_equal(image("street", threads=1), image("street", threads=3))
    assert not np.array_equal(image("street", 1), image("street", 2))


def test_brightness_does_not_depend_on_size():
    scene = compose("yard", np.random.SeedSequence(4))
    small, large = render(scene, (88, 132)), render(scene, (264, 396))
    assert np.median(small) == pytest.approx(np.median(large), rel=0.05)


def test_scenes_have_the_statistics_of_photographs():
    slopes, peaks = [], []
    for number in range(6):
        kind = list(KINDS)[number]
        plane = luminance(shown(image(kind, 100 + number)))
        slopes.append(spectrum_slope(plane))
        peaks.append(gradient_kurtosis(plane))
    # Six photographs of SID: slopes -3.2 to -2.4, kurtosis 11 to 226 at full size.
    assert -3.4 < np.median(slopes) < -2.0
    assert np.median(peaks) > 10


def test_statistics_know_noise_from_photographs():
    rng = np.random.default_rng(0)
    white = rng.normal(size=(256, 256))
    assert spectrum_slope(white) == pytest.approx(0, abs=0.1)
    assert gradient_kurtosis(white) == pytest.approx(3, abs=0.15)
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512))
    frequency[0, 0] = 1
    shaped = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(512, 512))) / frequency)
    assert spectrum_slope(shaped) == pytest.approx(-2, abs=0.2)


def test_leaves_cover_the_plane_and_follow_a_power_law():
    found = [dead_leaves(0.013 * k, 0.0071 * k, 1.0, 5, 1.0, 0.0, 9)[0] for k in range(4000)]
    assert np.mean([bits != 0 for bits in found]) > 0.98
    # Along a line, the lengths of uninterrupted leaves span more than a decade: sizes have no one scale.
    line = np.array([dead_leaves(0.002 * k, 0.3, 1.0, 6, 1.0, 0.0, 9)[0] for k in range(40000)], np.uint64)
    runs = np.diff(np.flatnonzero(np.diff(line) != 0))
    assert np.percentile(runs, 95) > 10 * np.percentile(runs, 10)


def test_detail_finer_than_a_pixel_is_left_out():
    assert dead_leaves(0.2, 0.4, 1.0, 5, 1.0, 10.0, 9)[0] == 0
    near = [letters(0.01 * k, 0.7, 1.0, 0.001, 3) for k in range(2000)]
    assert {0.0, 1.0} <= {round(ink, 3) for ink in near}


def test_colours_are_the_photographs_of_the_two_packages():
    assert np.array_equal(palette(), derive())
    assert palette().shape == (96, 3)
    assert 0 <= palette().min() < palette().max() <= 1


@pytest.mark.parametrize("kind", ["street", "table"])
def test_culled_directions_miss_no_body(kind):
    scene = compose(kind, np.random.SeedSequence(8))
    eye = scene.view[:3]
    starts, items = culling.direction_lists(eye[None], scene.bodies, [np.ones(len(scene.bodies), bool)])
    rng = np.random.default_rng(2)
    directions = rng.normal(size=(500, 3))
    for direction in directions / np.sqrt((directions**2).sum(axis=1, keepdims=True)):
        cell = culling.cell_of(*direction)
        listed = set(items[starts[0, cell] : starts[0, cell + 1]].tolist())
        for number in range(len(scene.bodies)):
            if number not in listed:
                assert meet(scene.bodies, number, *eye, *direction, 0.0)[0] == FAR


def test_the_lens_blur_keeps_the_light():
    flat = np.full((8, 9, 3), 0.25, np.float32)
    out = np.empty_like(flat)
    lens_blur(flat, out, 0, 8)
    assert np.array_equal(out, flat)
    point = np.zeros((9, 9, 3), np.float32)
    point[4, 4] = 16
    out = np.empty_like(point)
    lens_blur(point, out, 0, 9)
    assert out.sum() == pytest.approx(48)
    assert out[4, 4, 0] == 4
