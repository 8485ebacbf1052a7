"""Draws simulated evaluations of a cell, many at once."""

from __future__ import annotations

import numpy as np

from benchmarks.rates.cells import CREDITS, Cell
from pytest_unicomp.compare import stats

ACCURACY = 0.7
SIGMA = 1.0


def rates(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> np.ndarray:
    """Return each cluster's rates of losing, gaining and staying, shape (replicates or 1, clusters or 1, 3)."""
    lost, gained = cell.rates(drop)
    whole = np.maximum([lost, gained, 1 - lost - gained], 1e-12)
    if cell.correlation == 0:
        return whole[None, None, :] / whole.sum()
    spread = (1 - cell.correlation) / cell.correlation
    return random.dirichlet(whole * spread, size=(replicates, len(cell.sizes)))


def counts(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return lost and gained items, shape (replicates, clusters)."""
    own = rates(cell, drop, replicates, random)
    shape = (replicates, len(cell.sizes))
    lost = random.binomial(cell.sizes, np.broadcast_to(own[..., 0], shape))
    gained = random.binomial(cell.sizes - lost, np.clip(own[..., 1] / np.maximum(1 - own[..., 0], 1e-300), 0, 1))
    return lost, gained


def sums(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> stats.Sums:
    """Return evaluations with scores in [0, 1], as sums over clusters."""
    lost, gained = counts(cell, drop, replicates, random)
    if cell.kind == "partial credit":
        (down, first), (up, second) = _credited(lost, random), _credited(gained, random)
        return stats.Sums(down, up, first + second, cell.sizes)
    if cell.kind == "one between":
        return _between(lost.astype(float), gained.astype(float), cell.sizes, random)
    return stats.Sums(lost, gained, lost + gained, cell.sizes)


def scores(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the unbounded scores of both models, shape (replicates, items), and the items' clusters: an item is worth a log-normal amount, or 0."""
    place = np.repeat(np.arange(len(cell.sizes)), cell.sizes)
    own = rates(cell, drop, replicates, random)
    own = own if own.shape[1] == 1 else own[:, place]
    uniform = random.random((replicates, cell.n))
    worth = np.exp(SIGMA * random.normal(size=(replicates, cell.n)) - SIGMA**2 / 2)
    lost, gained = uniform < own[..., 0], (uniform >= own[..., 0]) & (uniform < own[..., 0] + own[..., 1])
    right = random.random((replicates, cell.n)) < ACCURACY
    return worth * ((right & ~gained) | lost), worth * ((right & ~lost) | gained), place


def _credited(flips: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of the flips' credits and of their squares."""
    left, total, squares = flips, np.zeros(flips.shape), np.zeros(flips.shape)
    for place, credit in enumerate(CREDITS):
        many = random.binomial(left, 1 / (len(CREDITS) - place))
        left, total, squares = left - many, total + credit * many, squares + credit**2 * many
    return total, squares


def _between(lost: np.ndarray, gained: np.ndarray, sizes: np.ndarray, random: np.random.Generator) -> stats.Sums:
    """Let one unchanged item of a random cluster gain or lose half its credit, or keep half of it."""
    rows = np.arange(len(lost))
    place = random.choice(len(sizes), p=sizes / sizes.sum(), size=len(lost))
    free = (lost + gained)[rows, place] < sizes[place]
    change = np.where(free, random.choice([-0.5, 0.0, 0.5], size=len(lost)), 0.0)
    squares = lost + gained
    squares[rows, place] += change**2
    lost[rows, place] += np.maximum(-change, 0)
    gained[rows, place] += np.maximum(change, 0)
    return stats.Sums(lost, gained, squares, sizes)
