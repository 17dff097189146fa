"""The losses against their definitions, worked out with other tools."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from bench.train.losses import LOSSES, blur_2020, l1, ms_ssim, total_variation
from llpacknet.errors import InputError


def _pair(size: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    truth = np.cumsum(rng.standard_normal((2, 3, size, size)), axis=-1)
    truth = (truth - truth.min()) / (truth.max() - truth.min())
    restored = np.clip(truth + 0.05 * rng.standard_normal(truth.shape), 0, 1)
    return torch.from_numpy(restored).float(), torch.from_numpy(truth).float()


def _reference_ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang, Simoncelli and Bovik 2003, one plane, with scipy's correlation in float64."""
    line = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    line /= line.sum()

    def smooth(x: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(x, line, axis=0), line, axis=1)[5:-5, 5:-5]

    value = 1.0
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    for scale, weight in enumerate(weights):
        ma, mb = smooth(a), smooth(b)
        va, vb, cov = smooth(a * a) - ma**2, smooth(b * b) - mb**2, smooth(a * b) - ma * mb
        term = (2 * cov + 0.0009) / (va + vb + 0.0009)
        if scale == len(weights) - 1:
            term = term * (2 * ma * mb + 0.0001) / (ma**2 + mb**2 + 0.0001)
        value *= term.mean() ** weight
        a = a[: a.shape[0] // 2 * 2, : a.shape[1] // 2 * 2].reshape(a.shape[0] // 2, 2, -1, 2).mean((1, 3))
        b = b[: b.shape[0] // 2 * 2, : b.shape[1] // 2 * 2].reshape(b.shape[0] // 2, 2, -1, 2).mean((1, 3))
    return value


def test_ms_ssim_is_that_of_its_definition() -> None:
    restored, truth = _pair(192)
    planes = [
        _reference_ms_ssim(a, b)
        for a, b in zip(
            restored.double().flatten(0, 1).numpy(), truth.double().flatten(0, 1).numpy(), strict=True
        )
    ]
    assert float(ms_ssim(restored, truth)) == pytest.approx(np.mean(planes), abs=2e-5)


def test_ms_ssim_of_an_image_with_itself_is_one_and_its_gradient_is_finite_for_the_worst() -> None:
    _, truth = _pair(176)
    assert float(ms_ssim(truth, truth)) == pytest.approx(1.0, abs=1e-6)
    opposite = (1 - truth).requires_grad_()
    ms_ssim(opposite, truth).backward()
    assert opposite.grad is not None
    assert torch.isfinite(opposite.grad).all()


def test_ms_ssim_refuses_patches_that_its_coarsest_window_does_not_fit() -> None:
    small = torch.zeros(1, 3, 160, 160)
    with pytest.raises(InputError, match="176"):
        ms_ssim(small, small)


def test_total_variation_of_a_ramp_is_what_the_formula_gives_by_hand() -> None:
    """Rows rise by 0.5: each of the C (H-1) W vertical differences is 0.25 squared, so their mean is 0.25."""
    batch, channels, height, width = 2, 3, 4, 5
    ramp = 0.5 * torch.arange(height).view(1, 1, height, 1).expand(batch, channels, height, width)
    by_hand = 2 * (batch * 0.25 + 0) / (batch * channels * height * width)
    assert float(total_variation(ramp)) == pytest.approx(by_hand)


def test_blur_of_a_constant_is_the_kernels_sum() -> None:
    blurred = blur_2020(torch.ones(1, 3, 8, 9))
    assert blurred.shape == (1, 3, 6, 7)
    total = 4 * 0.03797616 + 4 * 0.044863533 + 0.053
    assert total == pytest.approx(0.384, abs=5e-4)
    assert torch.allclose(blurred, torch.full_like(blurred, total))


def test_blur_puts_each_weight_where_it_belongs() -> None:
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 1
    expected = [[0.03797616, 0.044863533, 0.03797616], [0.044863533, 0.053, 0.044863533]]
    assert torch.allclose(blur_2020(point)[0, 0, :2], torch.tensor(expected))


@pytest.mark.parametrize(("step", "smoothness", "blurred"), [(0, 1000, 10), (20_000, 400, 1)])
def test_the_2020_loss_is_the_sum_of_its_terms(step: int, smoothness: float, blurred: float) -> None:
    restored, truth = _pair(32)
    parameters = [torch.full((3, 3), -2.0), torch.ones(5)]
    blur = float((blur_2020(restored) - blur_2020(truth)).square().mean())
    expected = (
        float(l1(restored, truth))
        + 1e-6 * 23
        + smoothness * float(total_variation(restored))
        + blurred * blur
    )
    assert float(LOSSES["2020"](restored, truth, parameters, step)) == pytest.approx(expected, rel=1e-5)


def test_reds_loss_adds_a_fifth_of_what_ms_ssim_lacks() -> None:
    restored, truth = _pair(176)
    expected = float((restored - truth).abs().mean()) + 0.2 * (1 - float(ms_ssim(restored, truth)))
    assert float(LOSSES["l1+ms-ssim"](restored, truth, [], 0)) == pytest.approx(expected, rel=1e-5)
