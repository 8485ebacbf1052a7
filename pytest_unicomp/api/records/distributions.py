"""Records of what a check says about distributions and replies beside its scores."""

from __future__ import annotations

from typing import Literal

from pytest_unicomp.api.records.record import Record


class DivergenceTable(Record):
    """The distances between two models' distributions as llama.cpp prints them: over `n` items' options, or positions of texts (`over`).

    KL(reference || candidate) in nats, over tokens a lower bound, with its percentiles by name ("50" is the median); `kl_reverse_mean` is the
    mean of KL(candidate || reference). Shifts are candidate - reference of the probability of the reference's first choice, in [-1, 1].
    `same_top` is the share of equal first choices. Of texts, `perplexity_ratio` is candidate / reference.
    """

    over: Literal["options", "tokens"]
    n: int
    kl_mean: float
    kl_percentiles: dict[str, float]
    kl_reverse_mean: float
    shift_mean: float
    shift_rms: float
    shift_percentiles: dict[str, float]
    same_top: float
    perplexity_ratio: float | None
    perplexity_ratio_stderr: float | None


class DivergentReplies(Record):
    """Where replies part: the share of `n` replies that are the same to the end, the median number of words before the first difference of the
    others (None if all are the same), and the mean share of the reference's words before it."""

    n: int
    same: float
    same_stderr: float | None
    first_difference_median: float | None
    kept_mean: float


class Change(Record):
    """A number of both sides, candidate - reference, and the interval of that difference at the check's confidence (None: not known)."""

    reference: float
    candidate: float
    difference: float
    interval: tuple[float, float] | None


class Uncertainty(Record):
    """How well the stated probabilities of `n` items' options fit the right ones; lower is better in each.

    `brier` lies in [0, 2]. `calibration_error` is the squared kernel calibration error, 0 if calibrated, estimated without bias and so
    maybe below it; None if all items share one cluster. `set_size` is the mean number of options in conformal sets that miss the right one with probability `set_error`.
    """

    n: int
    brier: Change
    calibration_error: Change | None
    set_size: Change
    set_error: float
