"""The linear system behind the classical methods: a data term plus weighted squared differences.

    (diag(c) + Σ_d D_dᵀ diag(w_d) D_d) x = b

with D the forward differences of an image (zero across the border). Both steps of robust Retinex and the fast
solver of LIME are of this form; the matrix is symmetric, and positive definite as soon as some c is positive.
It is never assembled: SciPy's conjugate gradients run on the stencil, preconditioned by one cycle of
`baselines.multigrid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from baselines.multigrid import Multigrid
from baselines.strips import over_strips

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ScreenedPoisson:
    """The matrix, as three (H, W) arrays.

    Attributes:
        data: c, weight of the data term, >= 0.
        horizontal: w of the difference between a pixel and its right neighbour, >= 0; last column unused.
        vertical: w of the difference between a pixel and the one below, >= 0; last row unused.
    """

    data: NDArray[Any]
    horizontal: NDArray[Any]
    vertical: NDArray[Any]

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """Multiply an (H, W) image by the matrix."""
        result = np.empty_like(image)
        self.apply_into(image, result, np.empty_like(image))
        return result

    def apply_into(self, image: NDArray[Any], result: NDArray[Any], work: NDArray[Any]) -> None:
        """Write the product into `result`; `work` is scratch of the same shape."""

        def strip(first: int, end: int) -> None:
            rows = slice(first, end)
            part, flow = result[rows], work[rows]
            np.multiply(self.data[rows], image[rows], out=part)
            right = flow[:, 1:]
            np.subtract(image[rows, 1:], image[rows, :-1], out=right)
            np.multiply(right, self.horizontal[rows, :-1], out=right)
            part[:, 1:] += right
            part[:, :-1] -= right
            above, below = slice(max(first, 1), end), slice(first, min(end, len(image) - 1))
            before, after = slice(above.start - 1, end - 1), slice(first + 1, below.stop + 1)
            np.subtract(image[above], image[before], out=work[above])
            np.multiply(work[above], self.vertical[before], out=work[above])
            result[above] += work[above]
            np.subtract(image[after], image[below], out=work[below])
            np.multiply(work[below], self.vertical[below], out=work[below])
            result[below] -= work[below]

        over_strips(strip, image.shape)


@dataclass(frozen=True)
class Solution:
    """What the solver returns.

    Attributes:
        image: (H, W), in the precision asked for.
        iterations: of conjugate gradients.
        relative_residual: ‖b − A·image‖ / ‖b‖, recomputed from the result; 0 where b is 0.
        preconditioner: what was used, fit for a similar system too.
    """

    image: NDArray[Any]
    iterations: int
    relative_residual: float
    preconditioner: Multigrid | None


def solve(
    system: ScreenedPoisson,
    right_side: NDArray[Any],
    *,
    start: NDArray[Any] | None = None,
    tolerance: float = 1e-5,
    max_iterations: int = 200,
    precision: type[np.float32 | np.float64] = np.float64,
    preconditioner: Multigrid | None = None,
) -> Solution:
    """Solve the system to a relative residual of `tolerance`, from `start` (zero if none).

    Single `precision` halves the memory and does where the weights span few orders of magnitude. A
    `preconditioner` built for a similar system saves the time to build one; what is solved stays the same.

    Where `max_iterations` do not suffice the last iterate is returned: `relative_residual` tells.
    """
    target: NDArray[np.floating[Any]] = np.array(right_side, precision)
    shape, size = target.shape, target.size
    norm = float(np.linalg.norm(target))
    if norm == 0:
        return Solution(np.zeros(shape, precision), 0, 0.0, preconditioner)
    multigrid = preconditioner or Multigrid(system.data, system.horizontal, system.vertical)
    result, work = np.empty_like(target), np.empty_like(target)
    iterations = 0

    def count(_: NDArray[Any]) -> None:
        nonlocal iterations
        iterations += 1

    def product(vector: NDArray[Any]) -> NDArray[Any]:
        system.apply_into(vector.reshape(shape), result, work)
        return result.reshape(size)

    def cycle(vector: NDArray[Any]) -> NDArray[Any]:
        return multigrid.cycle(vector.reshape(shape)).reshape(size)

    first: NDArray[np.floating[Any]] = np.zeros(size, precision)
    if start is not None:
        first[:] = start.ravel()
    solution, _ = cg(
        LinearOperator((size, size), matvec=product, dtype=precision),
        target.reshape(size),
        x0=first,
        rtol=tolerance,
        maxiter=max_iterations,
        M=LinearOperator((size, size), matvec=cycle, dtype=precision),
        callback=count,
    )
    image = np.asarray(solution, precision).reshape(shape)
    system.apply_into(image, result, work)
    np.subtract(target, result, out=result)
    return Solution(image, iterations, float(np.linalg.norm(result)) / norm, multigrid)
