"""Decision rules on an interval: non-inferiority and equivalence. The verdict of every retention and drift check follows one of them."""

from __future__ import annotations

from typing import Literal

NonInferiority = Literal["better", "kept", "lost", "undecided"]
Equivalence = Literal["within", "below", "above", "undecided"]


def non_inferiority(lower: float, upper: float, margin: float) -> NonInferiority:
    """Decide by an interval, two-sided at 1 - 2 alpha: kept iff lower > -margin, lost iff upper < -margin, better iff even lower > margin.

    Source: ICH E9 1998, section 3.3.2; one-sided level alpha per direction.
    """
    if lower > margin:
        return "better"
    if lower > -margin:
        return "kept"
    return "lost" if upper < -margin else "undecided"


def equivalence(lower: float, upper: float, margin: float) -> Equivalence:
    """Decide by inclusion of the interval, two-sided at 1 - 2 alpha: within (-margin, margin), wholly below or above it, or undecided.

    Source: two one-sided tests, Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    if -margin < lower and upper < margin:
        return "within"
    if upper < -margin:
        return "below"
    return "above" if lower > margin else "undecided"
