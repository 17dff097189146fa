"""Robust Retinex: its two linear systems, what each step minimises, and what it does to images."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from baselines.finite_differences import gradient, gradient_adjoint
from baselines.robust_retinex import decomposition as model
from baselines.robust_retinex.algorithm import RobustRetinex
from baselines.robust_retinex.decomposition import Parameters, decompose
from baselines.screened_poisson import solve
from llpacknet.raw.frame import RawFrame


def scene(height=64, width=64, seed=0):
    """A dark value channel with soft shading, an edge and noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    shading = 0.05 + 0.3 * np.exp(-((rows - 0.3) ** 2 + (columns - 0.6) ** 2) / 0.1)
    shading[height // 2 :, : width // 3] *= 0.3
    return np.clip(shading + 0.01 * rng.standard_normal((height, width)), 0, 1).astype(np.float32)


def laplacian(shape):
    """∇ᵀ∇ with differences across the border zero, as a sparse matrix."""

    def squared(n):
        difference = sparse.diags_array([-np.ones(n), np.ones(n - 1)], offsets=[0, 1]).tolil()
        difference[n - 1, n - 1] = 0
        return difference.T @ difference

    height, width = shape
    return sparse.kron(sparse.eye_array(height), squared(width)) + sparse.kron(
        squared(height), sparse.eye_array(width)
    )


def state(seed=0):
    """An image, plausible parts of it, and a pair of slopes, all 64×64."""
    image = scene(seed=seed).astype(float)
    rng = np.random.default_rng(seed + 10)
    reflectance = 0.5 + rng.random(image.shape)
    illumination = image + 0.02 * rng.random(image.shape)
    noise = 0.01 * rng.standard_normal(image.shape)
    slopes = tuple(0.01 * rng.standard_normal((2, *image.shape)))
    return image, reflectance, illumination, noise, slopes


def solved(system, right_side, precision=np.float64):
    return solve(system, right_side, tolerance=1e-6, precision=precision).image


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_reflectance_system_is_the_direct_sparse_solution(precision):
    image, _, illumination, noise, _ = state()
    target = model.amplified_gradient(image, Parameters())
    matrix = sparse.diags_array(illumination.ravel() ** 2) + 0.01 * laplacian(image.shape)
    right_side = illumination * (image - noise) + 0.01 * gradient_adjoint(*target, "neumann")
    direct = spsolve(sparse.csc_array(matrix), right_side.ravel()).reshape(image.shape)
    ours = solved(*model.reflectance_system(image, illumination, noise, target, 0.01), precision)
    assert np.abs(ours - direct).max() <= 1e-4 * np.abs(direct).max()


@pytest.mark.parametrize("penalty", [1.0, 1.5**10, 1.5**20])
def test_illumination_system_is_the_direct_sparse_solution(penalty):
    image, reflectance, _, noise, slopes = state()
    matrix = sparse.diags_array(2 * reflectance.ravel() ** 2) + penalty * laplacian(image.shape)
    right_side = 2 * reflectance * (image - noise) + penalty * gradient_adjoint(*slopes, "neumann")
    direct = spsolve(sparse.csc_array(matrix), right_side.ravel()).reshape(image.shape)
    ours = solved(*model.illumination_system(image, reflectance, noise, slopes, penalty))
    assert np.abs(ours - direct).max() <= 1e-4 * np.abs(direct).max()


def perturbed(best, seed=5):
    rng = np.random.default_rng(seed)
    return [best + size * rng.standard_normal(best.shape) for size in (1e-1, 1e-2, 1e-3)]


def test_reflectance_step_minimises_the_model_in_r():
    image, reflectance, illumination, noise, _ = state()
    options = Parameters()
    target = model.amplified_gradient(image, options)
    best = solved(*model.reflectance_system(image, illumination, noise, target, options.omega))

    def cost(r):
        return model.objective(image, (r, illumination, noise), target, options)

    assert cost(best) < cost(reflectance)
    assert all(cost(best) < cost(other) for other in perturbed(best))


def test_illumination_step_minimises_the_augmented_function_in_l():
    image, reflectance, illumination, noise, slopes = state()
    penalty = 3.0
    best = solved(*model.illumination_system(image, reflectance, noise, slopes, penalty))

    def cost(light):
        parts = gradient(light, "neumann")
        fidelity = ((reflectance * light + noise - image) ** 2).sum()
        return fidelity + penalty / 2 * sum(
            ((part - slope) ** 2).sum() for part, slope in zip(parts, slopes, strict=True)
        )

    assert cost(best) < cost(illumination)
    assert all(cost(best) < cost(other) for other in perturbed(best))


def test_noise_step_minimises_the_model_in_n():
    image, reflectance, illumination, noise, _ = state()
    options = Parameters()
    target = model.amplified_gradient(image, options)
    best = model.noise_step(image, reflectance, illumination, options.delta)

    def cost(n):
        return model.objective(image, (reflectance, illumination, n), target, options)

    assert cost(best) < cost(noise)
    assert all(cost(best) < cost(other) for other in perturbed(best))


def test_wanted_gradient_is_amplified_where_small_and_zero_where_noise():
    levels = np.array([[0, 9, 9 + 12, 9 + 12 + 120]], float) / 255
    right, down = model.amplified_gradient(levels, Parameters())
    assert not down.any()
    expected = [0, (1 + 5 * np.exp(-1.2)) * 12 / 255, (1 + 5 * np.exp(-12)) * 120 / 255, 0]
    np.testing.assert_allclose(right[0], expected, atol=1e-12)


def test_rounds_lower_the_model_and_reach_the_tolerance():
    parts = decompose(scene(96, 80))
    assert parts.converged
    assert max(parts.changes) <= 1e-3
    assert "converged" in str(parts)
    assert all(
        later <= earlier * 1.001
        for earlier, later in zip(parts.objective[:-1], parts.objective[1:], strict=True)
    )
    assert parts.objective[-1] < 0.1 * parts.objective[0]


def test_too_few_rounds_are_admitted():
    parts = decompose(scene(), Parameters(max_rounds=1))
    assert not parts.converged
    assert "NOT" in str(parts)


def test_parts_add_up_to_the_image():
    image = scene()
    parts = decompose(image)
    remainder = image - parts.reflectance * parts.illumination - parts.noise
    np.testing.assert_allclose(remainder, 10 * parts.noise, atol=1e-6)


def test_illumination_is_smoother_than_the_image():
    image = scene()
    parts = decompose(image)

    def variation(image):
        return sum(np.abs(part).sum() for part in gradient(image, "neumann"))

    assert variation(parts.illumination) < 0.5 * variation(image)


def test_constant_image_stays_constant():
    parts = decompose(np.full((48, 40), 0.25, np.float32))
    assert parts.converged
    assert np.ptp(parts.reflectance) < 1e-3
    assert np.ptp(parts.illumination) < 1e-4


def test_black_image_stays_black():
    enhanced, parts = RobustRetinex().enhance(np.zeros((40, 32, 3), np.float32))
    assert parts.converged
    assert not enhanced.any()


def test_enhanced_image_is_brighter_in_range_and_keeps_its_hue():
    image = (np.maximum(scene(64, 80), 0.01)[..., None] * np.array([1.0, 0.8, 0.5])).astype(np.float32)
    enhanced, _ = RobustRetinex().enhance(image)
    assert enhanced.dtype == np.float32
    assert 0 <= enhanced.min() < enhanced.max() <= 1
    assert enhanced.mean() > 1.5 * image.mean()
    np.testing.assert_allclose(enhanced[..., 1], 0.8 * enhanced[..., 0], atol=1e-5)


def test_raw_frame_becomes_an_image_whatever_the_gain():
    rng = np.random.default_rng(0)
    frame = RawFrame(
        mosaic=(512 + rng.poisson(40, (48, 64))).astype(np.uint16),
        black=np.full(4, 512.0),
        white=16383,
        white_balance=np.array([2.0, 1.0, 1.0, 2.0]),
        color_matrix=np.eye(3),
        xyz_to_camera=np.array(
            [[0.5838, -0.143, -0.0246], [-0.3497, 1.1477, 0.2297], [-0.0748, 0.1885, 0.5778]]
        ),
    )
    restored = RobustRetinex()(frame, 1.0)
    assert restored.shape == (48, 64, 3)
    assert restored.dtype == np.float32
    np.testing.assert_array_equal(restored, RobustRetinex()(frame, 300.0))
