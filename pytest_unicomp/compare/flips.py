"""Counts and lists flips: items that one side answers right and the other wrong, or both answer wrong in different words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pytest_unicomp.api.records import Check, Example, Flips, Item, Measurement
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.store.baselines import condense

FlipKind = Literal["lost", "gained", "changed"]
EXAMPLES = 8
EXAMPLE_CHARACTERS = 600


def kinds(pairs: Sequence[Pair], candidate: Measurement) -> list[tuple[FlipKind, Pair]] | None:
    """Return the flipped pairs with their kind, lost before gained before changed, then by id; None if a score is neither 0 nor 1."""
    if any(item.score not in (0, 1) for pair in pairs for item in pair) or candidate.metric == "nats_per_token":
        return None
    right = 1 if candidate.higher_is_better else 0
    short = shortened(candidate)
    found: list[tuple[FlipKind, Pair]] = []
    for before, after in pairs:
        if before.score != after.score:
            found.append(("lost" if before.score == right else "gained", (before, after)))
        elif before.score != right and not same_answer(before, after, short):
            found.append(("changed", (before, after)))
    order: tuple[FlipKind, ...] = ("lost", "gained", "changed")
    return sorted(found, key=lambda entry: (order.index(entry[0]), entry[1][0].id))


def shortened(measurement: Measurement) -> dict[str, str]:
    """Return the answers by item id as a baseline stores them: long ones cut, with a digest."""
    return {item.id: item.answer for item in condense(measurement).items}


def same_answer(before: Item, after: Item, short: dict[str, str]) -> bool:
    """Return True if two answers are equal; the first may be stored shortened."""
    return before.answer in (after.answer, short[after.id])


def counts(found: Sequence[tuple[FlipKind, Pair]]) -> Flips:
    """Count the flips by kind."""
    names = [kind for kind, _ in found]
    return Flips(lost=names.count("lost"), gained=names.count("gained"), changed=names.count("changed"))


def with_floor(check: Check, earlier: Measurement, reference: Measurement) -> Check:
    """Return the check with its flips' floor: the share of items that the reference itself flips between an earlier run and this one.

    The check is unchanged if it has no flips, the conditions differ (other than in `limit`), or the runs share no item.
    """
    same = earlier.conditions.model_copy(update={"limit": reference.conditions.limit}) == reference.conditions
    before = {(item.id, item.prompt_digest): item.score for item in earlier.items}
    shared = [(before[item.id, item.prompt_digest], item.score) for item in reference.items if (item.id, item.prompt_digest) in before]
    if check.flips is None or not same or not shared:
        return check
    floor = sum(old != new for old, new in shared) / len(shared)
    return check.model_copy(update={"flips": check.flips.model_copy(update={"floor": floor})})


def discordance(pairs: Sequence[Pair]) -> float:
    """Return the share of items whose score differs, in [0, 1]."""
    return sum(before.score != after.score for before, after in pairs) / len(pairs)


def examples(found: Sequence[tuple[FlipKind, Pair]]) -> list[Example]:
    """Return the first EXAMPLES flips, each text cut to EXAMPLE_CHARACTERS."""
    return [
        Example(
            id=after.id,
            prompt=cut(after.prompt or before.prompt),
            target=cut(after.target or before.target),
            reference_answer=cut(before.answer),
            candidate_answer=cut(after.answer),
            kind=kind,
        )
        for kind, (before, after) in found[:EXAMPLES]
    ]


def cut(text: str) -> str:
    """Return at most EXAMPLE_CHARACTERS of a text; an ellipsis marks a cut."""
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[: EXAMPLE_CHARACTERS - 1]}…"
