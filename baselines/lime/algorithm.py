"""LIME as a method of the suite: rawpy's rendering of the dark raw, brightened by its illumination map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from baselines.lime import exact, fast
from baselines.lime.illumination import Refined, Solver, first_estimate
from llpacknet.errors import InputError
from llpacknet.raw.render import render_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.spec import Kind
    from llpacknet.raw.frame import RawFrame

# Floor of T where it divides: a black pixel stays black and a sharper map brightens by 10^3.2 at most.
DARKEST = np.float32(1e-4)


@dataclass(frozen=True)
class Lime:
    """LIME with its parameters; `repr` prints them all.

    Attributes:
        alpha: weight of the smoothness of T.
        sigma: of the Gaussian in the weights, in pixels.
        epsilon: keeps the weights finite; in units of an image in [0, 1].
        gamma: the image is divided by T^gamma.
        solver: "fast" (one linear system) or "exact" (augmented Lagrangian).
        tolerance: of the solver, in the sense that `fast.refine` and `exact.refine` state; None for its
            default (1e-4 fast, 1e-3 exact).
        max_iterations: of the solver; None for its default (200 fast, 120 exact).
    """

    kind: ClassVar[Kind] = "classical"
    needs_gain: ClassVar[bool] = False

    alpha: float = 0.15
    sigma: float = 2.0
    epsilon: float = 1e-3
    gamma: float = 0.8
    solver: Solver = "fast"
    tolerance: float | None = None
    max_iterations: int | None = None

    def __post_init__(self) -> None:
        if self.solver not in {"fast", "exact"}:
            raise InputError(f"LIME has no solver {self.solver!r}: use 'fast' or 'exact'")

    def __call__(self, frame: RawFrame, gain: float = 1.0) -> NDArray[np.float32]:
        """Restore a raw frame; `gain` is not used, LIME finds the brightening itself.

        Returns:
            (H, W, 3) float32 sRGB-encoded in [0, 1].
        """
        del gain
        image = render_frame(frame).astype(np.float32)
        image /= np.float32(65535)
        return self.enhance(image)[0]

    def refine(self, estimate: NDArray[Any]) -> Refined:
        """Refine a first illumination estimate (H, W) in [0, 1]."""
        options: dict[str, Any] = {"alpha": self.alpha, "sigma": self.sigma, "epsilon": self.epsilon}
        if self.tolerance is not None:
            options["tolerance"] = self.tolerance
        if self.max_iterations is not None:
            options["max_iterations"] = self.max_iterations
        return (
            fast.refine(estimate, **options) if self.solver == "fast" else exact.refine(estimate, **options)
        )

    def enhance(self, image: NDArray[np.float32]) -> tuple[NDArray[np.float32], Refined]:
        """Brighten an image (H, W, 3) in [0, 1]: I / T^gamma clipped to [0, 1], and how T was found."""
        refined = self.refine(first_estimate(image))
        divisor = np.maximum(refined.illumination.astype(np.float32), DARKEST)
        np.power(divisor, np.float32(self.gamma), out=divisor)
        enhanced = np.divide(image, divisor[..., None], dtype=np.float32)
        np.clip(enhanced, 0, 1, out=enhanced)
        return enhanced, refined


def exact_lime() -> Lime:
    """LIME with the exact solver: `--model baselines.lime.algorithm:exact_lime`."""
    return Lime(solver="exact")
