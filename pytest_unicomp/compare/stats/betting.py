"""Anytime-valid tests of a mean by betting: the capital of a gambler who bets, item after item, that the null hypothesis is false."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# A bet may lose at most this share of the capital, so that a single item never exhausts it.
LARGEST_STAKE = 0.95
# Weight, in items, of the rates assumed before the first item.
PRIOR_ITEMS = 50.0
# Share of the capital that bets on the rates observed so far; the rest bets on the planned effect.
ADAPTIVE = 0.2


def log_capital(differences: Any, allowances: Any, *, lowest: float, planned: float, prior_allowance: float) -> np.ndarray:
    """Return the path of log capital against H0: mean(difference + allowance) <= 0, one number per item of the last axis.

    `differences` lie in [-1, 1], `allowances` are added to them, `lowest` bounds their sums from below; other axes are replicates.
    Under H0 the probability that the capital ever exceeds 1 / alpha is at most alpha (Ville 1939). A bet depends on earlier items only: it
    is Kelly's stake for the outcomes lost, gained and unchanged, at rates with mean `planned` and the discordance observed so far and, with
    a share ADAPTIVE of the capital, at the rates observed so far. `prior_allowance` is the mean allowance assumed before the first item.
    Source: Waudby-Smith & Ramdas 2024, JRSS B 86, 1-27 (arXiv 2010.09686), sections 4.1 and B.3: capital process with predictable plug-in bets,
    here the growth-rate optimal bet in closed form (three outcomes), instead of the first-order expansion of their aGRAPA.
    """
    import numpy as np

    differences, allowances = np.asarray(differences), np.asarray(allowances)
    before = np.arange(differences.shape[-1])
    lost, gained = _earlier(np.maximum(-differences, 0.0)), _earlier(np.maximum(differences, 0.0))
    step = (_earlier(allowances) + 2 * prior_allowance) / (before + 2)
    items = before + PRIOR_ITEMS
    guess = min(max(abs(planned), abs(prior_allowance), 1e-3), 0.5)
    discordance = np.maximum((lost + gained + PRIOR_ITEMS * guess) / items, abs(planned))
    largest = LARGEST_STAKE / max(-lowest, 1e-9)
    values = differences + allowances
    plans = (
        ((discordance - planned) / 2, (discordance + planned) / 2, 1 - ADAPTIVE),
        ((lost + PRIOR_ITEMS * (guess - planned) / 2) / items, (gained + PRIOR_ITEMS * (guess + planned) / 2) / items, ADAPTIVE),
    )
    paths = [
        log(share) + np.cumsum(np.log1p(np.minimum(kelly(losing, gaining, step), largest) * values), axis=-1)
        for losing, gaining, share in plans
    ]
    path: np.ndarray = np.logaddexp(*paths)
    return path


def kelly(losing: Any, gaining: Any, step: Any) -> np.ndarray:
    """Return the stake (at least 0) that maximizes expected log growth if a loss pays step - 1, a gain step + 1 and no change `step`.

    The positive root of a quadratic; losing and gaining are probabilities. Source: Kelly 1956, Bell System Technical Journal 35, 917-926.
    """
    import numpy as np

    down, up = step - 1, step + 1
    same = 1 - losing - gaining
    mean = losing * down + same * step + gaining * up
    linear = losing * down * (step + up) + same * step * (down + up) + gaining * up * (down + step)
    root = np.sqrt(np.maximum(linear * linear - 4 * mean * down * step * up, 0.0))
    stake: np.ndarray = 2 * np.maximum(mean, 0.0) / np.maximum(root - linear, 1e-12)
    return stake


def _earlier(values: np.ndarray) -> np.ndarray:
    """Return the sum of the items before each one, so that no bet depends on its own item."""
    import numpy as np

    earlier: np.ndarray = np.cumsum(values, axis=-1) - values
    return earlier
