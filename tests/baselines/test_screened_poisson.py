"""The weighted linear systems against a direct sparse solver, assembled from difference matrices."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from baselines.finite_differences import gradient, gradient_adjoint, shrink
from baselines.multigrid import Multigrid
from baselines.screened_poisson import ScreenedPoisson, solve


def assembled(system: ScreenedPoisson) -> sparse.csc_array:
    height, width = system.data.shape
    right = np.zeros((height, width))
    right[:, :-1] = system.horizontal[:, :-1]
    down = np.zeros((height, width))
    down[:-1] = system.vertical[:-1]

    def difference(n):
        return sparse.diags_array([-np.ones(n), np.ones(n - 1)], offsets=[0, 1], shape=(n, n))

    across = sparse.kron(sparse.eye_array(height), difference(width))
    along = sparse.kron(difference(height), sparse.eye_array(width))
    return sparse.csc_array(
        sparse.diags_array(np.asarray(system.data, float).ravel())
        + across.T @ sparse.diags_array(right.ravel()) @ across
        + along.T @ sparse.diags_array(down.ravel()) @ along
    )


def rough_system(shape, seed=0, spread=5.0):
    rng = np.random.default_rng(seed)
    return ScreenedPoisson(
        np.ones(shape), 10 ** (spread * rng.random(shape)), 10 ** (spread * rng.random(shape))
    )


@pytest.mark.parametrize("shape", [(64, 64), (63, 50), (2, 200), (1, 1), (41, 1)])
def test_solution_is_the_direct_one(shape):
    system = rough_system(shape)
    right_side = np.random.default_rng(1).random(shape)
    direct = spsolve(assembled(system), right_side.ravel()).reshape(shape)
    solution = solve(system, right_side, tolerance=1e-7, max_iterations=1000)
    assert solution.relative_residual <= 1e-7
    assert np.abs(solution.image - direct).max() <= 1e-4 * np.abs(direct).max()


@pytest.mark.parametrize("shape", [(64, 64), (37, 90)])
def test_product_is_the_assembled_one(shape):
    system = rough_system(shape)
    image = np.random.default_rng(1).random(shape)
    expected = (assembled(system) @ image.ravel()).reshape(shape)
    np.testing.assert_allclose(system.apply(image), expected, rtol=1e-12, atol=1e-9 * np.abs(expected).max())


def test_cycle_is_symmetric_and_positive():
    system = rough_system((60, 71))
    multigrid = Multigrid(system.data, system.horizontal, system.vertical)
    rng = np.random.default_rng(2)
    first, second = rng.standard_normal((2, 60, 71))
    image_of_first = multigrid.cycle(first).astype(float)
    image_of_second = multigrid.cycle(second).astype(float)
    scale = np.linalg.norm(first) * np.linalg.norm(image_of_second)
    assert abs(np.vdot(first, image_of_second) - np.vdot(image_of_first, second)) < 1e-4 * scale
    assert np.vdot(first, image_of_first) > 0


def test_iterations_do_not_grow_with_the_size_of_the_image():
    spent = []
    for side in (64, 512):
        weight = np.full((side, side), 1000.0, np.float32)
        right_side = np.random.default_rng(0).random((side, side))
        spent.append(
            solve(
                ScreenedPoisson(np.ones_like(weight), weight, weight), right_side, tolerance=1e-6
            ).iterations
        )
    assert max(spent) <= 12
    assert spent[1] <= spent[0] + 3


def test_no_data_and_no_right_side_gives_zero():
    zero = np.zeros((40, 52))
    solution = solve(ScreenedPoisson(zero, zero + 1, zero + 1), zero)
    assert not solution.image.any()
    assert solution.relative_residual == 0


def test_too_few_iterations_are_admitted():
    solution = solve(rough_system((64, 64)), np.random.default_rng(0).random((64, 64)), max_iterations=1)
    assert solution.iterations == 1
    assert solution.relative_residual > 1e-5


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_adjoint_of_the_gradient(boundary):
    rng = np.random.default_rng(0)
    image, right, down = rng.standard_normal((3, 13, 18))
    gradient_right, gradient_down = gradient(image, boundary)
    if boundary == "neumann":
        assert not gradient_right[:, -1].any()
        assert not gradient_down[-1].any()
    inner = np.vdot(gradient_right, right) + np.vdot(gradient_down, down)
    assert inner == pytest.approx(np.vdot(image, gradient_adjoint(right, down, boundary)))


def test_shrinkage_minimises_its_function():
    rng = np.random.default_rng(0)
    values, threshold = rng.standard_normal((20, 20)), rng.random((20, 20))
    best = shrink(values, threshold)

    def cost(g):
        return threshold * np.abs(g) + (g - values) ** 2 / 2

    for trial in np.linspace(-3, 3, 601):
        assert (cost(best) <= cost(np.full_like(values, trial)) + 1e-12).all()
