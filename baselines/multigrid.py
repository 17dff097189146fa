"""A multigrid cycle for weighted five-point systems on an image grid, as a preconditioner.

The systems are diag(c) + Σ_d D_dᵀ diag(w_d) D_d with weights that jump by orders of magnitude between
neighbouring pixels, so interpolation has to follow the matrix: black-box multigrid (Dendy, "Black box
multigrid", J. Comput. Phys. 48, 1982). Every second pixel of every second row is kept; a pixel between two
kept ones takes the weighted mean that its own equation, collapsed onto that line, prescribes; a pixel between
four kept ones solves its equation. The coarse matrix is the Galerkin product, which has nine points at every
depth. The cycle is symmetric, two damped Jacobi steps before and after, hence a valid preconditioner of
conjugate gradients. Single precision is enough here: the outer iteration keeps the accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from baselines.strips import over_strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]
    Offset = tuple[int, int]

DAMPING = np.float32(0.7)  # of Jacobi: below 1 it damps what alternates from pixel to pixel
COARSEST = 1500  # unknowns that a direct factorisation takes in milliseconds
SINGULAR_GUARD = 1e-7  # of the largest diagonal entry; only the preconditioner sees it
TINY = np.finfo(np.float32).tiny
NEAR = (-1, 0, 1)
# One of each pair of opposite neighbours: the matrix is symmetric.
FORWARD: tuple[Offset, ...] = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class _Level:
    """One grid of (h, w) float32.

    Attributes:
        diagonal: of the matrix.
        coupling: matrix entry between a pixel and its neighbour, per offset in FORWARD (none of the diagonal
            ones in the finest grid); 0 where the neighbour lies outside.
        jacobi: DAMPING / diagonal.
        spread: weight of a kept pixel at each of its eight neighbours in this grid; of the coarser
            grid's size.
        solution, residual, work: scratch.
    """

    diagonal: Field
    coupling: dict[Offset, Field]
    jacobi: Field
    spread: dict[Offset, Field]
    solution: Field
    residual: Field
    work: Field


class Multigrid:
    """V-cycle for the system of data weights and edge weights (to the right, downwards), all (H, W)."""

    def __init__(self, data: NDArray[Any], horizontal: NDArray[Any], vertical: NDArray[Any]) -> None:
        diagonal, coupling = _five_point(data, horizontal, vertical)
        self._levels: list[_Level] = []
        reaction = np.array(data, np.float32)
        while diagonal.size > COARSEST:
            spread = _interpolation(reaction, diagonal, coupling)
            self._levels.append(_level(diagonal, coupling, spread))
            reaction = _restrict(reaction, spread)
            diagonal, coupling = _galerkin(diagonal, coupling, spread)
        self._coarsest = splu(_assemble(diagonal, coupling))
        self._coarsest_shape = diagonal.shape
        self._scaled = np.empty(data.shape, np.float32)

    def cycle(self, right_side: NDArray[Any]) -> Field:
        """Run one cycle from zero on an (H, W) right side.

        Returns:
            An approximate solution, (H, W) float32; the next call overwrites it.
        """
        largest = max(float(right_side.max()), -float(right_side.min()))
        if largest == 0:
            return np.zeros(right_side.shape, np.float32)
        # Scaled to 1: late residuals would otherwise underflow in single precision.
        np.multiply(right_side, 1 / largest, out=self._scaled, casting="same_kind")
        solution = self._cycle(0, self._scaled)
        np.multiply(solution, np.float32(largest), out=solution)
        return solution

    def _cycle(self, depth: int, right_side: Field) -> Field:
        if depth == len(self._levels):
            exact = self._coarsest.solve(right_side.ravel().astype(np.float64))
            return np.asarray(exact, np.float32).reshape(self._coarsest_shape)
        level = self._levels[depth]
        np.multiply(level.jacobi, right_side, out=level.solution)
        _jacobi_step(level, right_side)
        _residual(level, right_side)
        _prolong(self._cycle(depth + 1, _restrict(level.residual, level.spread)), level)
        _jacobi_step(level, right_side)
        _jacobi_step(level, right_side)
        return level.solution


def _pair(offset: Offset, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of the pixels that have a neighbour at `offset`, and of those neighbours."""
    down, right = offset
    height, width = shape
    here = (slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right)))
    there = (slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right)))
    return here, there


def _five_point(
    data: NDArray[Any], horizontal: NDArray[Any], vertical: NDArray[Any]
) -> tuple[Field, dict[Offset, Field]]:
    """Set up the finest matrix: its diagonal and its couplings."""
    diagonal = np.array(data, np.float32)
    coupling = {}
    for offset, weight in (((0, 1), horizontal), ((1, 0), vertical)):
        entry = np.zeros_like(diagonal)
        here, there = _pair(offset, diagonal.shape)
        np.negative(weight[here], out=entry[here], casting="same_kind")
        diagonal[here] -= entry[here]
        diagonal[there] -= entry[here]
        coupling[offset] = entry
    return diagonal, coupling


def _level(diagonal: Field, coupling: dict[Offset, Field], spread: dict[Offset, Field]) -> _Level:
    jacobi = np.maximum(diagonal, TINY)
    np.divide(DAMPING, jacobi, out=jacobi)
    solution, residual, work = (np.empty_like(diagonal) for _ in range(3))
    return _Level(diagonal, coupling, jacobi, spread, solution, residual, work)


def _residual(level: _Level, right_side: Field) -> None:
    """Set level.residual to right_side − A · level.solution."""

    def strip(first: int, end: int) -> None:
        part = level.residual[first:end]
        np.multiply(level.diagonal[first:end], level.solution[first:end], out=part)
        np.subtract(right_side[first:end], part, out=part)
        for offset, entry in level.coupling.items():
            _subtract_neighbours(level, offset, entry, first, end)

    over_strips(strip, right_side.shape)


def _subtract_neighbours(level: _Level, offset: Offset, entry: Field, first: int, end: int) -> None:
    """Take from rows first…end of the residual what the neighbours at `offset` and opposite contribute."""
    down, _ = offset
    (rows, here), (_, there) = _pair(offset, entry.shape)
    last = min(end, rows.stop)
    work = level.work[first:last, here]
    np.multiply(entry[first:last, here], level.solution[first + down : last + down, there], out=work)
    level.residual[first:last, here] -= work
    begin = max(first, down)
    back = slice(begin - down, end - down)
    work = level.work[begin:end, here]
    np.multiply(entry[back, here], level.solution[back, here], out=work)
    level.residual[begin:end, there] -= work


def _jacobi_step(level: _Level, right_side: Field) -> None:
    _residual(level, right_side)

    def strip(first: int, end: int) -> None:
        change = level.residual[first:end]
        np.multiply(change, level.jacobi[first:end], out=change)
        level.solution[first:end] += change

    over_strips(strip, right_side.shape)


def _full_stencil(diagonal: Field, coupling: dict[Offset, Field]) -> dict[Any, Field]:
    """Lay out the matrix row of each pixel, per offset, on the grid with a ring of zeros and odd sides.

    Kept pixel (I, J) stands at (2I + 1, 2J + 1), and all its neighbours exist.
    """
    rows: dict[Any, Field] = {(0, 0): _ringed(diagonal)}
    for (down, right), entry in coupling.items():
        here, there = _pair((down, right), diagonal.shape)
        opposite = np.zeros_like(entry)
        opposite[there] = entry[here]
        rows[down, right], rows[-down, -right] = _ringed(entry), _ringed(opposite)
    return rows


def _ringed(field: Field) -> Field:
    height, width = field.shape
    ringed = np.zeros((2 * ((height + 1) // 2) + 1, 2 * ((width + 1) // 2) + 1), np.float32)
    ringed[1 : height + 1, 1 : width + 1] = field
    return ringed


def _around(padded: Field, offset: Offset) -> Field:
    """Take the pixel at `offset` of each kept pixel, from a field with a ring: (h', w')."""
    height, width = padded.shape
    down, right = offset
    return padded[1 + down : height - 1 + down : 2, 1 + right : width - 1 + right : 2]


def _pull(rows: dict[Any, Field], axis: int, along: int, offset: Offset) -> Field:
    """Sum up how strongly the pixel at `offset` of each kept one is tied to the line `along` the axis."""
    steps = [(along, across) if axis == 0 else (across, along) for across in NEAR]
    total = sum(_around(rows[step], offset) for step in steps if step in rows)
    return np.maximum(np.negative(total), np.float32(0))


def _interpolation(reaction: Field, diagonal: Field, coupling: dict[Offset, Field]) -> dict[Offset, Field]:
    """Weight of each kept pixel at its eight neighbours.

    The collapsed equation's diagonal is summed from `reaction` and the couplings along the line: the matrix
    diagonal minus the couplings across it would cancel to noise beside an edge.
    """
    rows = _full_stencil(diagonal, coupling)
    rows["reaction"] = _ringed(reaction)
    weights: dict[Offset, Field] = {}
    for axis, side in product((0, 1), (-1, 1)):
        offset = (side, 0) if axis == 0 else (0, side)
        back, forth = _pull(rows, axis, -side, offset), _pull(rows, axis, side, offset)
        weights[offset] = back / np.maximum(_around(rows["reaction"], offset) + back + forth, TINY)
    for down, right in product((-1, 1), repeat=2):
        offset = (down, right)
        pull = weights[0, right] * _around(rows[-down, 0], offset)
        pull += weights[down, 0] * _around(rows[0, -right], offset)
        if (-down, -right) in rows:
            pull += _around(rows[-down, -right], offset)
        centre = np.maximum(_around(rows[0, 0], offset), TINY)
        weights[offset] = np.divide(np.negative(pull), centre, dtype=np.float32)
    return weights


def _galerkin(
    diagonal: Field, coupling: dict[Offset, Field], spread: dict[Offset, Field]
) -> tuple[Field, dict[Offset, Field]]:
    """Multiply out the coarse matrix Pᵀ A P, with P the interpolation that `spread` describes."""
    rows = _full_stencil(diagonal, coupling)
    weights = {**spread, (0, 0): np.ones(spread[0, 1].shape, np.float32)}
    coarse = {}
    for far in ((0, 0), *FORWARD):
        here, there = _pair(far, weights[0, 0].shape)
        entry: Field = np.zeros_like(weights[0, 0])
        for offset, weight in weights.items():
            # What the kept pixel at `far` contributes, through A, to the pixel at `offset` of the one here.
            through: Field = np.zeros_like(entry[here])
            for step, row in rows.items():
                landing = (offset[0] + step[0] - 2 * far[0], offset[1] + step[1] - 2 * far[1])
                if landing in weights:
                    through += _around(row, offset)[here] * weights[landing][there]
            entry[here] += np.multiply(weight[here], through, dtype=np.float32)
        coarse[far] = entry
    return coarse.pop((0, 0)), coarse


def _on_grid(offset: Offset, coarse: tuple[int, ...], fine: tuple[int, ...]) -> tuple[Any, Any]:
    """Slices of the kept pixels whose neighbour at `offset` exists, and of these fine pixels."""
    kept, neighbours = [], []
    for step, count, length in zip(offset, coarse, fine, strict=True):
        first = 1 if step < 0 else 0
        last = min(count, (length - 1 - step) // 2 + 1)
        kept.append(slice(first, last))
        neighbours.append(slice(2 * first + step, 2 * (last - 1) + step + 1, 2))
    return tuple(kept), tuple(neighbours)


def _restrict(fine: Field, spread: dict[Offset, Field]) -> Field:
    """Pᵀ · fine."""
    coarse = fine[::2, ::2].copy()
    for offset, weight in spread.items():
        kept, neighbours = _on_grid(offset, coarse.shape, fine.shape)
        coarse[kept] += weight[kept] * fine[neighbours]
    return coarse


def _prolong(coarse: Field, level: _Level) -> None:
    """Add P · coarse to the level's solution."""
    fine = level.solution
    fine[::2, ::2] += coarse
    for offset, weight in level.spread.items():
        kept, neighbours = _on_grid(offset, coarse.shape, fine.shape)
        fine[neighbours] += weight[kept] * coarse[kept]


def _assemble(diagonal: Field, coupling: dict[Offset, Field]) -> Any:
    """Assemble the coarsest matrix, raised a little so that a data term of zeros leaves it regular."""
    index = np.arange(diagonal.size).reshape(diagonal.shape)
    raised = diagonal.astype(np.float64)
    raised += SINGULAR_GUARD * raised.max() + TINY
    entries, rows, columns = [raised.ravel()], [index.ravel()], [index.ravel()]
    for offset, entry in coupling.items():
        here, there = _pair(offset, diagonal.shape)
        value = entry[here].ravel().astype(np.float64)
        entries += [value, value]
        rows += [index[here].ravel(), index[there].ravel()]
        columns += [index[there].ravel(), index[here].ravel()]
    positions = (np.concatenate(rows), np.concatenate(columns))
    return coo_array((np.concatenate(entries), positions), shape=(diagonal.size, diagonal.size)).tocsc()
