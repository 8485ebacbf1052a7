"""Hashes of evidence: equal for what a waiver's owner reviewed, different for any other item, score or prompt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.records import Reply
from pytest_unicomp.compare import hashes
from tests.compare.toy_checks import kept
from tests.toys import measurement


def of(reference, candidate, question="retention"):
    return hashes.of_items(question, reference, candidate)


def test_answers_versions_and_machine_leave_the_hash_and_scores_prompts_and_sides_change_it():
    reference, candidate = measurement([1.0, 0.0, 1.0]), measurement([1.0, 0.0, 0.0], artifact="b")
    found = of(reference, candidate)
    assert len(found) == 16
    assert found == of(reference.model_copy(update={"machine": "other", "versions": {}}), candidate)
    assert found == of(reference, measurement([1.0, 0.0, 0.0], answers=["x", "y", "z"], artifact="c"))
    moved = [candidate.items[0].model_copy(update={"prompt_digest": "0" * 16}), *candidate.items[1:]]
    others = (
        of(reference, measurement([1.0, 1.0, 0.0])),
        of(candidate, reference),
        of(reference, candidate, "drift"),
        of(reference, candidate.model_copy(update={"items": moved})),
    )
    assert len({found, *others}) == 5


@given(st.permutations(range(4)))
def test_the_order_of_items_and_of_checks_does_not_matter(order):
    reference, candidate = measurement([1.0, 0.0, 1.0, 0.0]), measurement([1.0, 1.0, 0.0, 0.0], artifact="b")
    shuffled = candidate.model_copy(update={"items": [candidate.items[place] for place in order]})
    assert of(reference, shuffled) == of(reference, candidate)
    checks = [kept(0, 0.1, evidence=f"{place:016x}") for place in range(4)]
    assert hashes.of_checks([checks[place] for place in order]) == hashes.of_checks(checks)


def replied(made, *replies):
    return made.model_copy(update={"items": [one.model_copy(update={"replies": list(replies)}) for one in made.items]})


def test_replies_that_are_cut_or_loop_are_evidence_and_their_words_are_not():
    reference, candidate = measurement([1.0, 0.0]), measurement([1.0, 0.0], artifact="b")
    plain = Reply(answer="4", score=1.0, tokens=9, truncated=False, looping=False)
    others = [plain, *(plain.model_copy(update=change) for change in ({"truncated": True}, {"looping": True}, {"looping": None}))]
    assert len({of(reference, candidate), *(of(reference, replied(candidate, other)) for other in others)}) == 5
    reworded = plain.model_copy(update={"answer": "five", "thoughts": "so", "tokens": 12})
    assert of(reference, replied(candidate, plain)) == of(reference, replied(candidate, reworded))

    def limited(reply, question="reply_limits"):
        return hashes.of_replies(question, replied(reference, plain), replied(candidate, reply))

    longer = plain.model_copy(update={"tokens": 12})
    assert len({limited(plain), limited(longer), limited(longer, "other"), *map(limited, others[1:])}) == 6
    assert limited(plain) == limited(plain.model_copy(update={"answer": "five", "score": 0.0}))


def test_one_check_keeps_its_hash_and_one_without_leaves_none():
    one, none = kept(0, 0.1, evidence="a" * 16), kept(0, 0.1, evidence=None)
    assert hashes.of_checks([one]) == "a" * 16
    assert hashes.of_checks([one, none]) is None
    assert hashes.of_checks([]) is None


def test_the_content_of_a_measurement_ignores_when_and_how_long_it_took():
    made = measurement([1.0, 0.0])
    assert hashes.content(made) == hashes.content(made.model_copy(update={"created": "2027-01-01T00:00:00+00:00", "seconds": 9.0}))
    assert hashes.content(made) != hashes.content(measurement([1.0, 1.0]))


def test_another_benchmark_or_metric_is_other_evidence():
    reference, candidate = measurement([1.0, 0.0]), measurement([1.0, 1.0], artifact="b")
    others = [candidate.model_copy(update=change) for change in ({"benchmark": "other"}, {"metric": "other"})]
    assert len({of(reference, candidate), *(of(reference, other) for other in others)}) == 3


def test_plain_values_are_told_apart_by_question_benchmark_and_each_value():
    found = [
        hashes.of_values("efficiency", "bytes", 1, 2),
        hashes.of_values("artifact", "bytes", 1, 2),
        hashes.of_values("efficiency", "flops", 1, 2),
        hashes.of_values("efficiency", "bytes", 1, 3),
        hashes.of_values("efficiency", "bytes", 2, 1),
    ]
    assert len(set(found)) == 5
    assert found[0] == hashes.of_values("efficiency", "bytes", 1, 2)


def test_several_checks_have_a_hash_of_their_own():
    one, two, three = (kept(0, 0.1, evidence=mark * 16) for mark in "abc")
    found = {hashes.of_checks(checks) for checks in ([one], [one, two], [one, three], [one, two, three])}
    assert len(found) == 4


def test_the_same_replies_to_another_benchmark_are_other_evidence():
    side = measurement([1.0, 0.0])
    other = side.model_copy(update={"benchmark": "other"})
    assert hashes.of_replies("reply_limits", side, side) != hashes.of_replies("reply_limits", side, other)
