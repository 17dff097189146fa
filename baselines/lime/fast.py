"""LIME's fast solver: the weighted L1 term replaced by a quadratic one, hence one sparse linear system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.finite_differences import gradient
from baselines.lime.illumination import Refined, weights
from baselines.screened_poisson import ScreenedPoisson, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray


def system(estimate: NDArray[Any], *, alpha: float, sigma: float, epsilon: float) -> ScreenedPoisson:
    """I + Σ_d D_dᵀ diag(α W_d / (|∇_d T0| + ε)) D_d, differences across the border zero, for T0 (H, W)."""
    smoothness = weights(estimate, sigma=sigma, epsilon=epsilon, boundary="neumann")
    for weight, difference in zip(smoothness, gradient(estimate, "neumann"), strict=True):
        np.abs(difference, out=difference)
        np.add(difference, epsilon, out=difference)
        np.divide(weight, difference, out=weight)
        np.multiply(weight, alpha, out=weight)
    return ScreenedPoisson(np.ones_like(estimate), *smoothness)


def objective(estimate: NDArray[Any], matrix: ScreenedPoisson, illumination: NDArray[Any]) -> float:
    """‖T − T0‖² + Σ_d α W_d (∇_d T)² / (|∇_d T0| + ε), which the linear system minimises."""
    difference = np.asarray(illumination - estimate, np.float64)
    total = float(np.vdot(difference, difference))
    for weight, part in zip(
        (matrix.horizontal, matrix.vertical), gradient(illumination, "neumann"), strict=True
    ):
        np.square(part, out=part)
        total += float(np.vdot(weight, part))
    return total


def refine(
    estimate: NDArray[Any],
    *,
    alpha: float = 0.15,
    sigma: float = 2.0,
    epsilon: float = 1e-3,
    tolerance: float = 1e-4,
    max_iterations: int = 200,
) -> Refined:
    """Refine T0 (H, W) by the linear system.

    `tolerance` bounds the relative residual ‖T0 − A T‖ / ‖T0‖; as no eigenvalue of A is below 1 the error
    ‖T − A⁻¹ T0‖ is at most `tolerance` · ‖T0‖.
    """
    matrix = system(estimate, alpha=alpha, sigma=sigma, epsilon=epsilon)
    solution = solve(matrix, estimate, tolerance=tolerance, max_iterations=max_iterations)
    return Refined(
        illumination=solution.image,
        solver="fast",
        tolerance=tolerance,
        residual=solution.relative_residual,
        iterations=solution.iterations,
        objective=(objective(estimate, matrix, estimate), objective(estimate, matrix, solution.image)),
    )
