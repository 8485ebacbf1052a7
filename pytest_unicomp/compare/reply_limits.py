"""The check of limits on replies, `[reply_limits]`: how much longer they may be, and how many more may be cut by the token limit or loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log

from pytest_unicomp.api.records import Check, Estimate, Family, Measurement, ReplyChange, ShareChange, Verdict
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.comparability import Pair, mismatch, paired
from pytest_unicomp.compare.expected import design_effect, items_to_decide, spread
from pytest_unicomp.compare.pairing import clusters_of
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.replies import CUT, LOOPING, differences, replies
from pytest_unicomp.config.reply_limits import Name

ORDER: tuple[Verdict, ...] = ("fail", "inconclusive", "pass")
NOT_RECORDED: dict[Name, str] = {
    "length_ratio": "how long replies are",
    "truncated": "whether the token limit cut replies",
    "looping": "whether replies loop",
}


@dataclass(frozen=True)
class _Answer:
    """The answer to one limit; `verdict` and `reason` are those of the check if no other limit is worse.

    `reference` and `candidate` are mean tokens of a reply, or shares of the replies. `difference`, `interval` and `margin` are turned as in a check's
    record, so that negative is worse: of lengths 1 - candidate / reference. What is not known is None.
    """

    name: Name
    margin: float
    verdict: Verdict
    reason: str
    reference: float | None = None
    candidate: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Sort key: the worst verdict first, then what rose most beside its limit."""
        return ORDER.index(self.verdict), (self.difference or 0.0) / self.margin


def reply_limits(reference: Measurement, candidate: Measurement, *, recipe: str, family: Family, gates: bool, policy: Policy) -> Check:
    """Check the replies of a candidate against the limits that the policy sets for the benchmark, at least one.

    Each limit is judged by the interval at the policy's confidence that `compare.replies` gives: pass iff all of it lies within the limit, fail iff
    all of it lies beyond, else inconclusive; inconclusive too if what is limited was not recorded of every item. The same model on both sides
    passes. The worst limit decides, and its numbers are the check's; the reason names all.
    """
    limits = policy.limits_on_replies(benchmark=candidate.benchmark, capability=candidate.capability)
    first = next(iter(limits))
    verdict, reason = _without_numbers(reference, candidate)
    pairs: Sequence[Pair] = [] if verdict in ("inconclusive", "not_comparable") else paired(reference, candidate)
    answers = [_Answer(first, _margin(first, limits[first]), verdict, reason)] if verdict is not None else []
    if verdict is None:
        change = replies(pairs, clusters_of(pairs), alpha=policy.alpha)
        answers = [_answer(name, limit, change, pairs, policy.alpha) for name, limit in limits.items()]
    worst = min(answers, key=lambda one: one.rank) if len(answers) > 1 else answers[0]
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=candidate.benchmark,
        dimension=candidate.dimension,
        capability=candidate.capability,
        question="reply_limits",
        metric=worst.name,
        higher_is_better=False,
        n=len(pairs),
        reference=Estimate(value=worst.reference),
        candidate=Estimate(value=worst.candidate),
        difference=worst.difference,
        interval=worst.interval,
        confidence=policy.confidence,
        margin=worst.margin,
        verdict=worst.verdict,
        reason="; ".join(one.reason for one in answers),
        seconds=candidate.seconds,
    )


def _without_numbers(reference: Measurement, candidate: Measurement) -> tuple[Verdict | None, str]:
    """Return the verdict and its reason if replies need not or cannot be compared; None if they are to be compared."""
    missing = candidate.unavailable or reference.unavailable
    if missing is not None:
        return "inconclusive", missing
    differing = mismatch(reference, candidate)
    if differing is not None:
        return "not_comparable", f"not comparable: {differing}"
    if candidate.same_model(reference):
        return "pass", "identical weights, so replies are no worse"
    return None, ""


def _margin(name: Name, limit: float) -> float:
    return limit - 1 if name == "length_ratio" else limit


def _answer(name: Name, limit: float, change: ReplyChange | None, pairs: Sequence[Pair], alpha: float) -> _Answer:
    found = differences(pairs, name)
    lacking = found.count(None)
    if change is None or lacking:
        of = f"{lacking} of {wording.counted(len(pairs), 'item')}"
        return _Answer(name, _margin(name, limit), "inconclusive", f"{NOT_RECORDED[name]} was not recorded of {of}")
    share = {"truncated": change.truncated, "looping": change.looping}.get(name)
    if share is None:
        return _of_lengths(change, limit, alpha)
    answer = _of_share(name, share, limit, alpha)
    if answer.verdict != "inconclusive" or answer.interval is None:
        return answer
    needed = _needed([value for value in found if value is not None], clusters_of(pairs), limit, alpha)
    return replace(answer, reason=f"{answer.reason}; {wording.would_decide(needed)}")


def _of_lengths(change: ReplyChange, limit: float, alpha: float) -> _Answer:
    ratio, interval, tokens = change.length_ratio, change.length_ratio_interval, change.tokens
    # Both are known if the tokens of every reply are.
    assert ratio is not None
    assert tokens is not None
    margin, said = limit - 1, f"replies are {ratio:.2f} times as long"
    if interval is None:
        return _Answer("length_ratio", margin, "inconclusive", f"undecided: {said}, of one item or cluster", *tokens, 1 - ratio)
    lower, upper = interval
    said = f"{said} ({100 * (1 - 2 * alpha):.0f} % interval {lower:.2f} to {upper:.2f})"
    verdict, reason = _decided(lower, upper, limit, said, f"{limit:g} times")
    if verdict == "inconclusive":
        # The interval holds lengths that these items do not show, so its width tells more than their spread.
        stderr, distance = stats.implied_stderr(log(lower), log(upper), alpha=alpha), log(limit) - log(ratio)
        effect = stats.minimum_detectable_effect(stderr, alpha=alpha)
        reason += f"; {wording.would_decide(ceil(change.n * (effect / distance) ** 2) if distance else None)}"
    return _Answer("length_ratio", margin, verdict, reason, *tokens, 1 - ratio, (1 - upper, 1 - lower))


def _of_share(name: Name, share: ShareChange, limit: float, alpha: float) -> _Answer:
    words = {"truncated": f"are {CUT}", "looping": LOOPING}[name]
    said = f"{100 * share.candidate:.1f} % of the replies {words} (reference {100 * share.reference:.1f} %)"
    sides = share.reference, share.candidate, -share.difference
    if share.interval is None:
        return _Answer(name, limit, "inconclusive", f"undecided: {said}, of one cluster", *sides)
    lower, upper = share.interval
    said = f"{said}: {wording.interval(share.difference, lower, upper, '', 1 - 2 * alpha)}"
    verdict, reason = _decided(lower, upper, limit, said, wording.amount(limit, ""))
    return _Answer(name, limit, verdict, reason, *sides, (-upper, -lower))


def _decided(lower: float, upper: float, limit: float, said: str, most: str) -> tuple[Verdict, str]:
    if upper < limit:
        return "pass", f"{said}, within the {most} allowed"
    if lower > limit:
        return "fail", f"{said}, more than the {most} allowed"
    return "inconclusive", f"undecided: {said}, on both sides of the {most} allowed"


def _needed(changes: Sequence[float], clusters: Sequence[str] | None, allowed: float, alpha: float) -> int | None:
    """Return how many items would decide with 80 % power if the items' mean change stays the same; None if it equals what is allowed."""
    whole = all(change in (-1, 0, 1) for change in changes)
    fields = {
        "n": len(changes),
        "discordance": sum(change != 0 for change in changes) / len(changes),
        "spread": None if whole or len(changes) < 2 else spread(changes, bounded=True),
        "design_effect": design_effect(changes, clusters),
    }
    return items_to_decide(fields, allowed, sum(changes) / len(changes), alpha=alpha)
