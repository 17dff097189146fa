"""Robust Retinex: I = R ∘ L + N by alternating minimisation (Li et al., TIP 2018, algorithm 1).

    min ‖R∘L + N − I‖² + β ‖∇L‖₁ + ω ‖∇R − G‖² + δ ‖N‖²

The image is in [0, 1]; β, ω and δ refer to that range, while σ and the gradient threshold are given on the
scale 0–255, as the authors quote them. Differences across the border are zero. R and L each solve a sparse
linear system; the L1 term has a copy T of ∇L, a multiplier Z and a penalty μ that grows by a fixed factor, so
that L settles as the rounds go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.finite_differences import gradient, gradient_adjoint, shrink
from baselines.screened_poisson import ScreenedPoisson, Solution, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[Any]
    Pair = tuple[Field, Field]

# Conjugate gradient iterations above which a preconditioner is built anew for the next round.
STALE = 4


@dataclass(frozen=True)
class Parameters:
    """The weights of the model and the settings of its minimisation.

    Attributes:
        beta: of ‖∇L‖₁.
        omega: of ‖∇R − G‖².
        delta: of ‖N‖².
        contrast: λ, how much beyond I's gradient the reflectance's shall go where gradients are small.
        sigma: σ of that amplification, on the scale 0–255.
        threshold: gradients below it count as noise and are zeroed, on the scale 0–255.
        penalty: μ of the first round.
        penalty_growth: factor of μ after each round.
        tolerance: the rounds end when the relative changes of R and of L are both at most this.
        max_rounds: and after this many in any case.
        solver_tolerance: relative residual of each linear system.
        solver_iterations: conjugate gradient iterations allowed to each.
    """

    beta: float = 0.01
    omega: float = 0.01
    delta: float = 10.0
    contrast: float = 5.0
    sigma: float = 10.0
    threshold: float = 10.0
    penalty: float = 1.0
    penalty_growth: float = 1.5
    tolerance: float = 1e-3
    max_rounds: int = 40
    solver_tolerance: float = 3e-5
    solver_iterations: int = 100


@dataclass(frozen=True)
class Decomposition:
    """The three parts, each (H, W) float32, and how they were found.

    Attributes:
        reflectance: R.
        illumination: L.
        noise: N.
        rounds: of the alternating scheme.
        changes: relative changes of R and of L in the last round.
        tolerance: what was asked of them.
        solver_iterations: conjugate gradient iterations, all rounds together.
        objective: the model's function before the first and after each round.
    """

    reflectance: NDArray[np.float32]
    illumination: NDArray[np.float32]
    noise: NDArray[np.float32]
    rounds: int
    changes: tuple[float, float]
    tolerance: float
    solver_iterations: int
    objective: tuple[float, ...]

    @property
    def converged(self) -> bool:
        """Whether both changes came down to the tolerance."""
        return max(self.changes) <= self.tolerance

    def __str__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        rounds = f"{self.rounds} round{'s' * (self.rounds != 1)}"
        return (
            f"robust Retinex {state} in {rounds}: relative changes R {self.changes[0]:.2e}, "
            f"L {self.changes[1]:.2e} (tolerance {self.tolerance:g}), {self.solver_iterations} conjugate "
            f"gradient iterations, objective {self.objective[-1]:.6g}"
        )


def amplified_gradient(image: Field, parameters: Parameters) -> Pair:
    """G = (1 + λ e^(−|∇I|/σ)) ∇I, with the differences below the threshold zeroed, for I (H, W) in [0, 1]."""
    parts = gradient(image, "neumann")
    for part in parts:
        size = np.abs(part)
        part[size < parameters.threshold / 255] = 0
        np.multiply(size, -255 / parameters.sigma, out=size)
        np.exp(size, out=size)
        np.multiply(size, parameters.contrast, out=size)
        size += 1
        np.multiply(part, size, out=part)
    return parts


def reflectance_system(
    image: Field, illumination: Field, noise: Field, target: Pair, omega: float
) -> tuple[ScreenedPoisson, Field]:
    """Matrix and right side of R: (diag(L²) + ω ∇ᵀ∇) R = L ∘ (I − N) + ω ∇ᵀ G."""
    right_side = gradient_adjoint(*target, "neumann")
    np.multiply(right_side, omega, out=right_side)
    right_side += illumination * (image - noise)
    return _system(np.square(illumination), omega), right_side


def illumination_system(
    image: Field, reflectance: Field, noise: Field, target: Pair, penalty: float
) -> tuple[ScreenedPoisson, Field]:
    """Matrix and right side of L: (2 diag(R²) + μ ∇ᵀ∇) L = 2 R ∘ (I − N) + μ ∇ᵀ target, target = T − Z/μ."""
    right_side = gradient_adjoint(*target, "neumann")
    np.multiply(right_side, penalty, out=right_side)
    right_side += 2 * reflectance * (image - noise)
    return _system(2 * np.square(reflectance), penalty), right_side


def noise_step(image: Field, reflectance: Field, illumination: Field, delta: float) -> Field:
    """Find the N that minimises ‖R∘L + N − I‖² + δ ‖N‖²."""
    noise: Field = (image - reflectance * illumination) / (1 + delta)
    return noise


def objective(
    image: Field,
    parts: tuple[Field, Field, Field],
    target: Pair,
    parameters: Parameters,
) -> float:
    """Value of the model's function at `parts`, (R, L, N)."""
    reflectance, illumination, noise = parts
    total = _square(reflectance * illumination + noise - image) + parameters.delta * _square(noise)
    for slope in gradient(illumination, "neumann"):
        total += parameters.beta * float(np.abs(slope).sum(dtype=np.float64))
    for slope, wanted in zip(gradient(reflectance, "neumann"), target, strict=True):
        total += parameters.omega * _square(slope - wanted)
    return total


def decompose(image: NDArray[Any], parameters: Parameters | None = None) -> Decomposition:
    """Decompose I, (H, W) in [0, 1], into reflectance, illumination and noise."""
    options = parameters or Parameters()
    image = np.asarray(image, np.float32)
    target = amplified_gradient(image, options)
    reflectance, illumination, noise = np.zeros_like(image), image.copy(), np.zeros_like(image)
    slopes = np.zeros_like(image), np.zeros_like(image)
    multiplier = np.zeros_like(image), np.zeros_like(image)
    history = [objective(image, (reflectance, illumination, noise), target, options)]
    changes, rounds, spent, penalty = (np.inf, np.inf), 0, 0, options.penalty
    first = second = None
    while max(changes) > options.tolerance and rounds < options.max_rounds:
        rounds += 1
        system, right_side = reflectance_system(image, illumination, noise, target, options.omega)
        first = _solved(system, right_side, reflectance, first, options)
        shifted = tuple(t - z / np.float32(penalty) for t, z in zip(slopes, multiplier, strict=True))
        new_reflectance = first.image.astype(np.float32)
        system, right_side = illumination_system(
            image, new_reflectance, noise, (shifted[0], shifted[1]), penalty
        )
        second = _solved(system, right_side, illumination, second, options)
        new_illumination = second.image.astype(np.float32)
        del system, right_side, shifted
        noise = noise_step(image, new_reflectance, new_illumination, options.delta)
        slopes = _slope_step(new_illumination, multiplier, options.beta, penalty)
        penalty *= options.penalty_growth
        changes = _change(reflectance, new_reflectance), _change(illumination, new_illumination)
        reflectance, illumination = new_reflectance, new_illumination
        spent += first.iterations + second.iterations
        history.append(objective(image, (reflectance, illumination, noise), target, options))
    return Decomposition(
        reflectance, illumination, noise, rounds, changes, options.tolerance, spent, tuple(history)
    )


def _slope_step(illumination: Field, multiplier: Pair, beta: float, penalty: float) -> Pair:
    """Find the new T by soft thresholding; the multiplier Z moves, in place, by μ (∇L − T)."""
    parts = []
    for slope, shift in zip(gradient(illumination, "neumann"), multiplier, strict=True):
        raised = slope + shift / np.float32(penalty)
        new = shrink(raised, beta / penalty)
        np.subtract(raised, new, out=raised)
        np.multiply(raised, penalty, out=shift)
        parts.append(new)
    return parts[0], parts[1]


def _system(data: Field, weight: float) -> ScreenedPoisson:
    edges = np.broadcast_to(np.asarray(weight, data.dtype), data.shape)
    return ScreenedPoisson(data, edges, edges)


def _solved(
    system: ScreenedPoisson, right_side: Field, start: Field, last: Solution | None, options: Parameters
) -> Solution:
    """Solve from `start`, with the last round's preconditioner while it serves: the matrix changes little."""
    return solve(
        system,
        right_side,
        start=start,
        tolerance=options.solver_tolerance,
        max_iterations=options.solver_iterations,
        precision=np.float32,
        preconditioner=last.preconditioner if last and last.iterations <= STALE else None,
    )


def _change(old: Field, new: Field) -> float:
    """Relative change ‖new − old‖ / ‖old‖; 0 where both are 0."""
    moved = _square(new - old) ** 0.5
    return moved / max(_square(old) ** 0.5, float(np.finfo(np.float32).tiny)) if moved else 0.0


def _square(field: Field) -> float:
    return float(np.vdot(field, field))
