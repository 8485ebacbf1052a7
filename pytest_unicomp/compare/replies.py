"""Compares the generated replies of two models item by item: length, replies cut by the limit, loops, unfinished thoughts, answers not given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import exp, log

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Item, Reply, ReplyChange, ShareChange
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.config.reply_limits import Name

# A right answer of one letter occurs in any thought.
SHORTEST_ANSWER = 2
# GSM8K's targets end with the answer after this mark.
ANSWER_MARK = "####"
# Said in the reason of a check: a length that changed by more than a tenth, and any share that rose beyond doubt.
LONGER = 1.1
# From this share on, replies that end in mid-thought are why a reference scores no better than chance.
MOSTLY = 0.5
# Replies that are cut or loop are a hidden danger if their share rose by more than this.
RISE = 0.05
CUT, LOOPING = "cut by the token limit", "repeat themselves to the end"


def replies(pairs: Sequence[Pair], clusters: Sequence[str] | None, *, alpha: float) -> ReplyChange | None:
    """Return how the replies changed, with intervals at 1 - 2 alpha; None if those of either side were not recorded.

    Items are the unit: each counts by the mean over its replies. The ratio of lengths is the geometric mean of candidate / reference over items,
    with the interval that `paired_difference` gives of unbounded scores, the logarithms: few replies that run to the limit are a long tail, for which
    Student's t alone is too narrow. Shares have the interval of paired scores with partial credit.
    """
    known = [place for place, (before, after) in enumerate(pairs) if before.replies and after.replies]
    if not known:
        return None
    chosen = [pairs[place] for place in known]
    names = None if clusters is None else [clusters[place] for place in known]
    ratio, interval, tokens = _length(chosen, names, alpha)
    return ReplyChange(
        n=len(chosen),
        tokens=tokens,
        length_ratio=ratio,
        length_ratio_interval=interval,
        truncated=_share(chosen, names, _truncated, alpha),
        looping=_share(chosen, names, _looping, alpha),
        unfinished=_share(chosen, names, lambda reply, _: reply.unfinished, alpha),
        only_in_thoughts=_share(chosen, names, only_in_thoughts, alpha),
    )


def differences(pairs: Sequence[Pair], limited: Name) -> list[float | None]:
    """Return each item's difference reference - candidate in what a limit is about, None if that was not recorded of one of its replies.

    Of lengths it is the logarithm of the ratio of the mean tokens, of the others the difference of the shares of its replies.
    """
    of = {"length_ratio": _tokens, "truncated": _truncated, "looping": _looping}[limited]
    sides = [(_mean(before, of), _mean(after, of)) for before, after in pairs]
    turned = _log_tokens if limited == "length_ratio" else float
    return [None if before is None or after is None else turned(before) - turned(after) for before, after in sides]


def only_in_thoughts(reply: Reply, item: Item) -> bool | None:
    """Return True if a reply is not right although the right answer occurs in its thoughts as a whole word; None if that cannot be known.

    It is an upper bound: a thought may name the right answer and mean another.
    """
    target = item.target.rpartition(ANSWER_MARK)[2].strip()
    if reply.thoughts is None or reply.score is None or len(target) < SHORTEST_ANSWER:
        return None
    return reply.score < 1 and re.search(rf"(?<!\w){re.escape(target)}(?!\w)", reply.thoughts) is not None


def said(change: ReplyChange) -> str:
    """Return the notable changes of length, truncation and loops as a phrase; empty if there are none."""
    parts = []
    if change.length_ratio is not None and change.length_ratio_interval is not None:
        lower, upper = change.length_ratio_interval
        if lower > LONGER or upper < 1 / LONGER:
            parts.append(f"replies are {change.length_ratio:.2f} times as long ({lower:.2f} to {upper:.2f})")
    for share, words in (
        (change.truncated, CUT),
        (change.looping, LOOPING),
        (change.only_in_thoughts, "have the right answer in the thoughts alone"),
    ):
        if share is not None and share.interval is not None and share.interval[0] > 0:
            parts.append(_risen(share, words))
    return ", ".join(parts)


def _risen(share: ShareChange, words: str) -> str:
    return f"{100 * share.candidate:.0f} % {words} (reference {100 * share.reference:.0f} %)"


def damage(changes: Mapping[str, ReplyChange | None], *, alpha: float) -> list[str]:
    """Return for each benchmark whose replies are cut or loop more often by more than RISE what its replies do; `changes` is by benchmark.

    Both shares of all benchmarks are corrected together (Holm), so that the probability of any false answer is at most `alpha`.
    """
    shares = [
        (benchmark, share, words, share.p_value)
        for benchmark, change in changes.items()
        if change is not None
        for share, words in ((change.truncated, CUT), (change.looping, LOOPING))
        if share is not None and share.p_value is not None
    ]
    adjusted = stats.holm([p_value for *_, p_value in shares])
    return [
        f"of the replies to {benchmark} {_risen(share, words)}"
        for (benchmark, share, words, _), p_value in zip(shares, adjusted, strict=True)
        if p_value <= alpha
    ]


def not_limited(check: Check, policy: Policy) -> ReplyChange | None:
    """Return how the replies of a check changed, without the shares that the policy limits: those have a check of their own."""
    if check.replies is None:
        return None
    limits = policy.limits_on_replies(benchmark=check.benchmark, capability=check.capability)
    return check.replies.model_copy(update={name: None for name in ("truncated", "looping") if name in limits})


def without_p_values(change: ReplyChange) -> ReplyChange:
    """Return the change as it informs alone, for items of a run that stopped early: how many there are depends on their scores."""
    return change.model_copy(
        update={name: share.model_copy(update={"p_value": None}) for name, share in change if isinstance(share, ShareChange)}
    )


def cut_in_thought(change: ReplyChange | None) -> str | None:
    """Return why scores say nothing if the reference's replies mostly end in mid-thought; None if they do not."""
    unfinished = change.unfinished if change is not None else None
    if unfinished is None or unfinished.reference < MOSTLY:
        return None
    return (
        f"the token limit cuts replies in mid-thought, so nothing was answered that could be lost: {100 * unfinished.reference:.0f} % of the "
        f"reference's and {100 * unfinished.candidate:.0f} % of the candidate's; raise it: --unicomp-max-gen-toks=N"
    )


def _length(
    pairs: Sequence[Pair], clusters: Sequence[str] | None, alpha: float
) -> tuple[float | None, tuple[float, float] | None, tuple[float, float] | None]:
    before, after, names = _means(pairs, clusters, _tokens)
    if not before:
        return None, None, None
    tokens = (sum(before) / len(before), sum(after) / len(after))
    old, new = ([_log_tokens(value) for value in side] for side in (before, after))
    middle = (sum(new) - sum(old)) / len(old)
    try:
        found = stats.paired_difference(old, new, names, alpha=alpha, bounded=False)
    except UnicompError:
        # One item, or one cluster.
        return exp(middle), None, tokens
    return exp(middle), (exp(found.lower), exp(found.upper)), tokens


def _log_tokens(tokens: float) -> float:
    """Return the logarithm of a length in halves of a token, so that replies of one token have a size too; an empty one has the end, one token."""
    return log(2 * max(tokens, 1.0))


def _tokens(reply: Reply, item: Item) -> int | None:
    return reply.tokens


def _truncated(reply: Reply, item: Item) -> bool | None:
    return reply.truncated


def _looping(reply: Reply, item: Item) -> bool | None:
    return reply.looping


def _share(
    pairs: Sequence[Pair], clusters: Sequence[str] | None, of: Callable[[Reply, Item], bool | None], alpha: float
) -> ShareChange | None:
    before, after, names = _means(pairs, clusters, of)
    if not before:
        return None
    first, second = sum(before) / len(before), sum(after) / len(after)
    # Of the other replies, since more of these are worse.
    kept, left = ([1 - value for value in side] for side in (before, after))
    try:
        found = stats.paired_difference(kept, left, names, alpha=alpha, margin=RISE)
    except UnicompError:
        return ShareChange(reference=first, candidate=second, difference=second - first, interval=None)
    interval = (-found.upper, -found.lower)
    return ShareChange(reference=first, candidate=second, difference=second - first, interval=interval, p_value=found.p_value)


def _means(
    pairs: Sequence[Pair], clusters: Sequence[str] | None, of: Callable[[Reply, Item], float | None]
) -> tuple[list[float], list[float], list[str] | None]:
    """Return each item's mean in reference and candidate, and its cluster, for the items that are known on both sides."""
    means = [(place, _mean(old, of), _mean(new, of)) for place, (old, new) in enumerate(pairs)]
    known = [(place, old, new) for place, old, new in means if old is not None and new is not None]
    names = None if clusters is None else [clusters[place] for place, _, _ in known]
    return [old for _, old, _ in known], [new for _, _, new in known], names


def _mean(item: Item, of: Callable[[Reply, Item], float | None]) -> float | None:
    """Return the mean over an item's replies; None if one of them is not known."""
    values = [of(reply, item) for reply in item.replies or []]
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
