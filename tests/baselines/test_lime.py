"""LIME: both solvers against independent ones, and what the method does to images."""

import clarabel
import numpy as np
import pytest
from scipy import sparse
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import spsolve

from baselines.finite_differences import gradient, shrink
from baselines.lime import exact, fast
from baselines.lime.algorithm import Lime
from baselines.lime.illumination import first_estimate, weights
from llpacknet.errors import InputError
from llpacknet.raw.frame import RawFrame

ALPHA, SIGMA, EPSILON = 0.15, 2.0, 1e-3


def scene(height, width, seed=0):
    """A dark image with soft shading, edges and noise, (H, W, 3) float64."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    shading = 0.05 + 0.2 * np.exp(-((rows - 0.3) ** 2 + (columns - 0.6) ** 2) / 0.1)
    shading[height // 2 :, : width // 3] *= 0.3
    colour = np.array([0.9, 1.0, 0.6])
    return np.clip(shading[..., None] * colour + 0.004 * rng.standard_normal((height, width, 3)), 0, 1)


def periodic_difference(n):
    matrix = sparse.lil_array((n, n))
    matrix.setdiag(-1)
    matrix.setdiag(1, 1)
    matrix[n - 1, 0] = 1
    return matrix.tocsr()


def test_fast_solver_is_the_direct_sparse_solution():
    estimate = first_estimate(scene(64, 64))
    difference = sparse.diags_array([-np.ones(64), np.ones(63)], offsets=[0, 1]).tolil()
    difference[63, 63] = 0
    across, along = (
        sparse.kron(sparse.eye_array(64), difference),
        sparse.kron(difference, sparse.eye_array(64)),
    )
    matrix = sparse.eye_array(64 * 64)
    for operator in (across, along):
        slope = (operator @ estimate.ravel()).reshape(64, 64)
        smooth = gaussian_filter(slope, SIGMA, mode="nearest")
        weight = ALPHA / (np.abs(smooth) + EPSILON) / (np.abs(slope) + EPSILON)
        matrix = matrix + operator.T @ sparse.diags_array(weight.ravel()) @ operator
    direct = spsolve(sparse.csc_array(matrix), estimate.ravel()).reshape(64, 64)
    refined = fast.refine(estimate)
    assert refined.converged
    assert np.abs(refined.illumination - direct).max() <= 1e-4 * direct.max()


def test_fast_tolerance_bounds_the_error():
    estimate = first_estimate(scene(96, 80))
    best = fast.refine(estimate, tolerance=1e-10, max_iterations=1000).illumination
    for tolerance in (1e-1, 1e-2, 1e-3):
        refined = fast.refine(estimate, tolerance=tolerance)
        assert np.linalg.norm(refined.illumination - best) <= tolerance * np.linalg.norm(estimate)


def minimised_l1(start, slopes):
    """The t that minimises ‖t − start‖² + ‖slopes·t‖₁, and the minimum, by an interior-point solver.

    As a quadratic programme in (t, u): tᵀt − 2 startᵀt + Σu with −u ≤ slopes·t ≤ u.
    """
    unknowns, bounds = slopes.shape[1], slopes.shape[0]
    quadratic = sparse.diags_array(np.r_[np.full(unknowns, 2.0), np.zeros(bounds)])
    linear = np.r_[-2 * start, np.ones(bounds)]
    eye = sparse.eye_array(bounds)
    constraints = sparse.block_array([[slopes, -eye], [-slopes, -eye]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(quadratic),
        linear,
        sparse.csc_matrix(constraints),
        np.zeros(2 * bounds),
        [clarabel.NonnegativeConeT(2 * bounds)],
        settings,
    ).solve()
    best = np.asarray(solution.x)[:unknowns]
    return best, float(((best - start) ** 2).sum() + np.abs(slopes @ best).sum())


@pytest.mark.parametrize("alpha", [ALPHA, ALPHA / 100])
def test_exact_solver_reaches_the_minimum_that_a_convex_solver_finds(alpha):
    estimate = first_estimate(scene(32, 32))
    weighted = tuple(alpha * w for w in weights(estimate, sigma=SIGMA, epsilon=EPSILON, boundary="periodic"))
    across = sparse.kron(sparse.eye_array(32), periodic_difference(32)).tocsr()
    along = sparse.kron(periodic_difference(32), sparse.eye_array(32)).tocsr()
    slopes = sparse.vstack(
        [
            sparse.diags_array(weight.ravel()) @ operator
            for weight, operator in zip(weighted, (across, along), strict=True)
        ]
    )
    reference, minimum = minimised_l1(estimate.ravel(), slopes)
    reference = reference.reshape(32, 32)
    refined = exact.refine(estimate, alpha=alpha, tolerance=1e-9, max_iterations=20000)
    assert refined.converged
    assert np.ptp(reference) > 0.1 * np.ptp(estimate) or alpha == ALPHA
    assert refined.objective[-1] == pytest.approx(minimum, rel=1e-4)
    assert np.abs(refined.illumination - reference).max() <= 1e-4 * estimate.max()


def test_illumination_step_minimises_its_function():
    rng = np.random.default_rng(0)
    estimate, right, down = rng.random((3, 24, 31))
    penalty = 7.0

    def cost(t):
        parts = gradient(t, "periodic")
        return ((t - estimate) ** 2).sum() + penalty / 2 * sum(
            ((part - goal) ** 2).sum() for part, goal in zip(parts, (right, down), strict=True)
        )

    spectrum = exact.laplacian_spectrum(estimate.shape, np.float64)
    best = exact.illumination_step(estimate, (right, down), penalty, spectrum)
    for size in (1e-1, 1e-3, 1e-5):
        assert cost(best) < cost(best + size * rng.standard_normal(best.shape))
    assert cost(best) < cost(estimate)


def test_shrinkage_step_lowers_the_function_of_the_copy():
    rng = np.random.default_rng(1)
    slope, before, shift, weight = rng.standard_normal((4, 20, 20))
    weight, penalty = np.abs(weight), 3.0

    def cost(g):
        return (weight * np.abs(g)).sum() + penalty / 2 * ((slope - g + shift) ** 2).sum()

    new = shrink(slope + shift, weight / penalty)
    assert cost(new) < cost(before)
    assert cost(new) < cost(new + 1e-4 * rng.standard_normal(new.shape))


@pytest.mark.parametrize("module", [fast, exact])
def test_refinement_lowers_the_objective_and_reaches_the_tolerance(module):
    refined = module.refine(first_estimate(scene(64, 96)), tolerance=1e-4, max_iterations=3000)
    assert refined.converged
    assert refined.residual <= 1e-4
    assert refined.objective[-1] < refined.objective[0]
    assert "converged" in str(refined)


def test_too_few_iterations_are_admitted():
    refined = exact.refine(first_estimate(scene(64, 64)), max_iterations=1)
    assert not refined.converged
    assert "NOT" in str(refined)


@pytest.mark.parametrize("solver", ["fast", "exact"])
def test_constant_map_stays(solver):
    estimate = np.full((48, 40), 0.2, np.float32)
    np.testing.assert_allclose(Lime(solver=solver).refine(estimate).illumination, 0.2, rtol=1e-4)


@pytest.mark.parametrize("solver", ["fast", "exact"])
def test_black_image_stays_black(solver):
    enhanced, _ = Lime(solver=solver).enhance(np.zeros((40, 32, 3), np.float32))
    assert not enhanced.any()


@pytest.mark.parametrize("solver", ["fast", "exact"])
def test_enhanced_image_is_brighter_and_in_range(solver):
    image = scene(64, 80).astype(np.float32)
    enhanced, _ = Lime(solver=solver).enhance(image)
    assert enhanced.dtype == np.float32
    assert enhanced.min() >= 0
    assert enhanced.max() <= 1
    assert enhanced.mean() > 1.5 * image.mean()


def test_unknown_solver_is_refused():
    with pytest.raises(InputError, match="solver"):
        Lime(solver="quick")


def test_raw_frame_becomes_an_image_whatever_the_gain():
    rng = np.random.default_rng(0)
    frame = RawFrame(
        mosaic=(512 + rng.poisson(40, (64, 96))).astype(np.uint16),
        black=np.full(4, 512.0),
        white=16383,
        white_balance=np.array([2.0, 1.0, 1.0, 2.0]),
        color_matrix=np.eye(3),
        xyz_to_camera=np.array(
            [[0.5838, -0.143, -0.0246], [-0.3497, 1.1477, 0.2297], [-0.0748, 0.1885, 0.5778]]
        ),
    )
    restored = Lime()(frame, 1.0)
    assert restored.shape == (64, 96, 3)
    assert restored.dtype == np.float32
    assert 0 <= restored.min() < restored.max() <= 1
    np.testing.assert_array_equal(restored, Lime()(frame, 300.0))
