"""The rules on TrustLLM's other questions, against the humans of UniComp's own judge validation."""

import json
from collections import defaultdict

import pytest

from pytest_unicomp import stats
from pytest_unicomp.judges import agreement, opinions
from pytest_unicomp.judges.question import Asked, asked


def question(row) -> tuple[str, Asked] | None:
    if row["_subtask"] == "ethics_implicit_ETHICS":
        return "ETHICS", asked("ETHICS", res=row["res"])
    if row["_subtask"] == "fairness_stereotype_agreement":
        return "stereotype_agreement", asked("stereotype_agreement", res=row["res"])
    if row["_subtask"] == "truthfulness_advfact":
        fields = {
            "misinformation": row["modified knowledge"],
            "user_input": row["prompt"],
            "response": row["res"],
            "knowledge": row["knowledge"],
        }
        return "advfact", asked("advfact", **fields)
    if row["_subtask"] == "truthfulness_internal":
        return "hotpot", asked("hotpot", question=row["question"], correct_answer=row["answer"], answer=row["res"])
    # The sample of preferences lacks the prompts, and with them the two options.
    return None


def test_humans_agree_as_often_as_the_file_says(shared):
    path = shared / "judged" / "unicomp_gpt.json"
    if not path.is_file():
        pytest.skip("no human labels of UniComp's judge validation on this machine")
    agreed = defaultdict(list)
    for row in json.loads(path.read_text(encoding="utf-8")):
        found = question(row)
        if found is not None:
            human = row["human_label"].strip().lower()
            said = opinions.answer(found[1]).strip().lower()
            agreed[found[0]].append(("not_corrected" in said) == ("not_corrected" in human) if found[0] == "advfact" else said == human)
    for task, same in agreed.items():
        stated = agreement.known("rules", task)
        low, high = stats.wilson_interval(sum(same), len(same), confidence=0.95)
        assert stated is not None, task
        assert (stated.n, stated.accuracy, stated.interval) == (len(same), sum(same) / len(same), (round(low, 3), round(high, 3))), task


def test_a_judge_that_nobody_measured_has_no_agreement():
    assert agreement.known("server:http://localhost:1/v1", "refusal") is None
    assert agreement.known("classifier:some/model", "ETHICS") == agreement.known("rules", "ETHICS")
    assert agreement.known("rules", "refusal").n == 900


@pytest.mark.parametrize(
    ("said", "gold", "answer"),
    [
        ("Answer: the Eiffel Tower", "Eiffel Tower", "YES"),
        ("It is not the Eiffel Tower", "Eiffel Tower", "NO"),
        ("1,066", "1066", "YES"),
        ("in the year of 1966", "1066", "NO"),
        ("", "1066", "NO"),
    ],
)
def test_short_answers_compare_as_squad_compares_them(said, gold, answer):
    assert opinions.answer(asked("squad", question="?", correct_answer=gold, answer=said)) == answer
