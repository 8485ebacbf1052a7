"""The must-pass check: the candidate must answer every item of `[tool.unicomp.must_pass]` right, whatever the reference answers.

The check is exact: it has no interval and no margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pytest_unicomp.api.records import Check, Estimate, Example, Family, Item, Measurement, Verdict
from pytest_unicomp.compare.flips import EXAMPLES, cut
from pytest_unicomp.compare.policy import Policy

SHOWN = 5


def must_pass(
    reference: Measurement, candidate: Measurement, patterns: Sequence[str], *, recipe: str, family: Family, gates: bool, policy: Policy
) -> Check:
    """Check that the candidate answers every item right whose id equals or matches one of `patterns` (shell wildcards, case-sensitive).

    fail: an item is wrong; inconclusive: an item could not be scored, or a pattern matches no measured item; else pass. The reference's
    answers are shown and decide nothing.
    """
    chosen, unmet = must_pass_items(candidate.items, patterns)
    right = 1 if candidate.higher_is_better else 0
    wrong = [item for item in chosen if item.score is not None and item.score != right]
    unknown = [item.id for item in chosen if item.score is None]
    before = {item.id: item for item in reference.items}
    already = sum(item.id in before and before[item.id].score != right for item in wrong)
    verdict, reason = _decide([item.id for item in wrong], already, unknown, unmet, len(chosen))
    if verdict != "fail" and candidate.unavailable is not None:
        verdict, reason = "inconclusive", candidate.unavailable
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=candidate.benchmark,
        dimension=candidate.dimension,
        capability=candidate.capability,
        question="must_pass",
        metric="wrong_items",
        higher_is_better=False,
        n=len(chosen),
        reference=Estimate(value=float(sum(before[item.id].score != right for item in chosen if item.id in before))),
        candidate=Estimate(value=float(len(wrong))),
        confidence=policy.confidence,
        margin=0.0,
        verdict=verdict,
        reason=reason,
        examples=[_example(before.get(item.id), item, right) for item in wrong[:EXAMPLES]],
        seconds=candidate.seconds,
    )


def must_pass_items(items: Sequence[Item], patterns: Sequence[str]) -> tuple[list[Item], list[str]]:
    """Return the items that match the patterns, ordered by id, and the patterns that match none; an exact id wins over its reading as a wildcard."""
    found: dict[str, Item] = {}
    unmet = []
    for pattern in patterns:
        matching = [item for item in items if item.id == pattern] or [item for item in items if fnmatchcase(item.id, pattern)]
        found |= {item.id: item for item in matching}
        if not matching:
            unmet.append(pattern)
    return [found[name] for name in sorted(found)], unmet


def _decide(wrong: Sequence[str], already: int, unknown: Sequence[str], unmet: Sequence[str], n: int) -> tuple[Verdict, str]:
    if wrong:
        also = f"; the reference answers {already} of them wrong too" if already else ""
        return "fail", f"{len(wrong)} of {n} must-pass items are wrong: {_listed(wrong)}{also}"
    if unmet:
        return "inconclusive", f"not measured: no item matches {_listed(unmet)}; check the ids, or raise --unicomp-limit"
    if unknown:
        return "inconclusive", f"{len(unknown)} of {n} must-pass items could not be scored: {_listed(unknown)}"
    return "pass", f"all {n} must-pass items are right"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _example(before: Item | None, after: Item, right: int) -> Example:
    texts = (after.prompt, after.target, before.answer if before else "", after.answer)
    prompt, target, old, new = (cut(text) for text in texts)
    kind = "lost" if before is not None and before.score == right else "changed"
    return Example(id=after.id, prompt=prompt, target=target, reference_answer=old, candidate_answer=new, kind=kind)
