"""LIME's exact solver: augmented Lagrangian, T by the Fourier transform, ∇T's copy G by shrinkage.

    min_T ‖T − T0‖² + ‖α W ∘ ∇T‖₁        with G = ∇T held by a scaled multiplier U and a penalty μ

Differences are periodic, as the Fourier step needs. Two things differ from the paper's listing, both so that
the minimum itself is reached: the paper lets μ grow by a fixed factor, which stops the iterates wherever they
are; here μ moves up or down to keep both residuals alike (Boyd et al., "Distributed optimization and
statistical learning via the alternating direction method of multipliers", 2011, §3.4.1) and then stays; and
the steps are over-relaxed (§3.4.3 there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import irfft2, rfft2

from baselines.finite_differences import gradient, gradient_adjoint, shrink
from baselines.lime.illumination import Refined, weights
from baselines.strips import threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[Any]
    Pair = tuple[Field, Field]

RELAXATION = 1.6
BALANCE = 5.0  # residuals further apart than this move the penalty
PENALTY_STEP = 1.5
ADAPTED = 150  # iterations after which the penalty stays, which convergence needs


def laplacian_spectrum(shape: tuple[int, ...], dtype: Any) -> Field:
    """Eigenvalues of ∇ᵀ∇ with periodic differences, laid out as `rfft2` lays out an (H, W) image."""
    height, width = shape
    vertical = 2 - 2 * np.cos(2 * np.pi * np.arange(height) / height)
    horizontal = 2 - 2 * np.cos(2 * np.pi * np.arange(width // 2 + 1) / width)
    return np.asarray(vertical[:, None] + horizontal, dtype)


def illumination_step(estimate: Field, target: Pair, penalty: float, spectrum: Field) -> Field:
    """Find the T that minimises ‖T − T0‖² + μ/2 ‖∇T − target‖², by one pair of Fourier transforms."""
    right_side = gradient_adjoint(*target, "periodic")
    np.multiply(right_side, penalty, out=right_side)
    right_side += 2 * estimate
    transform = rfft2(right_side, workers=threads(), overwrite_x=True)
    transform /= 2 + penalty * spectrum
    return np.asarray(irfft2(transform, s=estimate.shape, workers=threads(), overwrite_x=True))


def objective(estimate: Field, weighted: Pair, illumination: Field, slopes: Pair | None = None) -> float:
    """‖T − T0‖² + Σ_d ‖α W_d ∘ ∇_d T‖₁, periodic differences; `weighted` holds α W_d."""
    total = _square(illumination - estimate)
    for weight, part in zip(weighted, slopes or gradient(illumination, "periodic"), strict=True):
        total += float(np.vdot(weight, np.abs(part)))
    return total


def refine(
    estimate: Field,
    *,
    alpha: float = 0.15,
    sigma: float = 2.0,
    epsilon: float = 1e-3,
    tolerance: float = 1e-3,
    max_iterations: int = 120,
) -> Refined:
    """Refine T0 (H, W) by the augmented Lagrangian scheme, in the precision of `estimate`.

    `tolerance` bounds three things at the last iterate: ‖∇T − G‖ / ‖T0‖ (the paper's criterion),
    ‖μ ∇ᵀ(G − G_before)‖ / (2 ‖T0‖), by which T misses its optimality condition, and ‖T − T_before‖ / ‖T0‖.
    None of them bounds the distance to the minimum: with strong edges it is about 2 % of ‖T0‖ at the default.
    """
    weighted = weights(estimate, sigma=sigma, epsilon=epsilon, boundary="periodic")
    for weight in weighted:
        np.multiply(weight, alpha, out=weight)
    slopes = gradient(estimate, "periodic")
    steepness = sum(float(np.abs(part).mean(dtype=np.float64)) for part in slopes)
    history = [objective(estimate, weighted, estimate, slopes)]
    norm = _square(estimate) ** 0.5
    if steepness == 0:  # a constant map has nothing to smooth
        return Refined(estimate.copy(), "exact", tolerance, 0.0, 0, tuple(history))
    penalty = sum(float(weight.mean(dtype=np.float64)) for weight in weighted) / steepness
    spectrum = laplacian_spectrum(estimate.shape, estimate.dtype)
    illumination = estimate
    copy, multiplier = _zeros(estimate), _zeros(estimate)
    residual, iteration = np.inf, 0
    while residual > tolerance and iteration < max_iterations:
        iteration += 1
        last = illumination
        illumination = illumination_step(estimate, _minus(copy, multiplier), penalty, spectrum)
        moved = _square(illumination - last) ** 0.5 / norm
        slopes = gradient(illumination, "periodic")
        before = copy
        copy = _shrinkage_step(slopes, before, multiplier, weighted, penalty)
        primal = sum(_square(part) for part in _minus(slopes, copy)) ** 0.5 / norm
        change = gradient_adjoint(*_minus(copy, before), "periodic")
        dual = penalty * _square(change) ** 0.5 / (2 * norm)
        residual = max(primal, dual, moved)
        history.append(objective(estimate, weighted, illumination, slopes))
        factor = _penalty_factor(primal, dual) if iteration % 2 == 0 and iteration <= ADAPTED else 1.0
        penalty *= factor
        for part in multiplier:
            np.divide(part, factor, out=part)
    return Refined(illumination, "exact", tolerance, residual, iteration, tuple(history))


def _shrinkage_step(slopes: Pair, before: Pair, multiplier: Pair, weighted: Pair, penalty: float) -> Pair:
    """Find the new G by soft thresholding; the multiplier moves, in place, by what is left of ∇T − G."""
    parts = []
    for slope, old, shift, weight in zip(slopes, before, multiplier, weighted, strict=True):
        np.add(shift, RELAXATION * slope, out=shift)
        np.add(shift, (1 - RELAXATION) * old, out=shift)
        new = shrink(shift, weight / penalty)
        np.subtract(shift, new, out=shift)
        parts.append(new)
    return parts[0], parts[1]


def _penalty_factor(primal: float, dual: float) -> float:
    if primal > BALANCE * dual:
        return PENALTY_STEP
    return 1 / PENALTY_STEP if dual > BALANCE * primal else 1.0


def _zeros(like: Field) -> Pair:
    return np.zeros_like(like), np.zeros_like(like)


def _minus(first: Pair, second: Pair) -> Pair:
    return first[0] - second[0], first[1] - second[1]


def _square(field: Field) -> float:
    """‖field‖²; BLAS sums a long vector in blocks, so that single precision is kept."""
    return float(np.vdot(field, field))
