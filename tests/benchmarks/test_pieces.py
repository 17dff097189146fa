"""Pack, UnPack, mosaic, histogram and metrics; each test also checks the result that it times."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.data.making.camera import mosaic
from bench.metrics import psnr, ssim
from llpacknet import pack, unpack
from llpacknet.amplifier import histogram_edges, raw_histogram
from llpacknet.packing import unpack_loop

SIDES = (256, 384)


@pytest.fixture(scope="module")
def frame():
    return torch.rand(1, 1, *SIDES, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def channels():
    return torch.rand(1, 192, SIDES[0] // 8, SIDES[1] // 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (*SIDES, 3), np.uint8)
    noise = random.integers(-9, 10, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth


@pytest.mark.benchmark(group="pack")
class TestPack:
    @pytest.mark.reference
    def test_pixel_unshuffle(self, benchmark, frame):
        assert benchmark(torch.nn.functional.pixel_unshuffle, frame, 8).shape == (1, 64, 32, 48)

    def test_pack(self, benchmark, frame):
        packed = benchmark(pack, frame, 8)
        assert torch.equal(packed, torch.nn.functional.pixel_unshuffle(frame, 8))


@pytest.mark.benchmark(group="unpack")
class TestUnpack:
    @pytest.mark.reference
    def test_pixel_shuffle(self, benchmark, channels):
        assert benchmark(torch.nn.functional.pixel_shuffle, channels, 8).shape == (1, 3, *SIDES)

    def test_unpack(self, benchmark, channels):
        assert torch.equal(benchmark(unpack, channels, 8), unpack_loop(channels, 8))

    def test_loop_of_algorithm_1(self, benchmark, channels):
        assert benchmark(unpack_loop, channels, 8).shape == (1, 3, *SIDES)


@pytest.mark.benchmark(group="mosaic")
class TestMosaic:
    @pytest.mark.reference
    def test_copy_of_one_colour(self, benchmark, images):
        plane = images[1][..., 1].astype(np.float32)
        assert np.array_equal(benchmark(plane.copy), plane)

    def test_mosaic(self, benchmark, images):
        light = images[1].astype(np.float32)
        made = benchmark(mosaic, light)
        assert made[0, 0] == light[0, 0, 0]
        assert made[1, 1] == light[1, 1, 2]


@pytest.mark.benchmark(group="histogram")
class TestHistogram:
    @pytest.mark.reference
    def test_torch_histc(self, benchmark, frame):
        assert benchmark(torch.histc, frame, 63, 0, 1).sum() == frame.numel()

    def test_histogram(self, benchmark, frame):
        assert benchmark(raw_histogram, frame, histogram_edges()).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.benchmark(group="psnr")
class TestPsnr:
    @pytest.mark.reference
    def test_scikit_image(self, benchmark, images):
        assert benchmark(peak_signal_noise_ratio, *images[::-1]) > 30

    def test_psnr(self, benchmark, images):
        found = benchmark(psnr, *images)
        assert found == pytest.approx(peak_signal_noise_ratio(*images[::-1]), abs=1e-9)


@pytest.mark.benchmark(group="ssim")
class TestSsim:
    @pytest.mark.reference
    def test_scikit_image(self, benchmark, images):
        assert benchmark(structural_similarity, *images, channel_axis=2) < 1

    def test_ssim(self, benchmark, images):
        found = benchmark(ssim, *images)
        assert found == pytest.approx(structural_similarity(*images, channel_axis=2), abs=1e-9)
