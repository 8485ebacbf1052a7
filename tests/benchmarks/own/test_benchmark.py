"""A file of questions is put to a model after its examples; options are compared by likelihood, replies graded, and a judge asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.benchmarks.own.benchmark import QuestionFile, verdict
from pytest_unicomp.engine import Engine
from pytest_unicomp.judges.build import Judge
from pytest_unicomp.run import evaluate
from tests.benchmarks.own.test_file import written
from tests.engine import thinking_toy
from tests.engine.toy_engine import canned, evaluation
from tests.toys import artifact

EXAMPLE = {"prompt": "1 + 1 =", "answer": "2", "example": True}


def benchmark(file: Path, scorer: str) -> QuestionFile:
    return QuestionFile(file=file, scored_by=scorer, capability="other", metric="correct", tokens=8)


def test_replies_are_graded_under_the_ids_clusters_and_slices_of_the_file(tiny: Engine, tmp_path: Path) -> None:
    rows = [{"id": f"sum-{one}", "prompt": f"{one} + 1 =", "answer": one + 1, "cluster": "sums", "slice": "small"} for one in range(5)]
    made = benchmark(written(tmp_path, *rows), "number").score(canned(tiny, lambda prompt: "It is 3."), evaluation(limit=None))
    assert {item.id: item.score for item in made.items} == {f"sum-{one}": float(one == 2) for one in range(5)}
    assert {(item.cluster, item.slice) for item in made.items} == {("sums", "small")}
    assert made.chance == 0.0
    assert made.generation["max_gen_toks"] == 8


def test_the_examples_of_the_file_precede_every_question(tiny: Engine, tmp_path: Path) -> None:
    file = written(tmp_path, EXAMPLE, {"prompt": "2 + 2 =", "answer": "4"})
    engine = canned(tiny, str)
    (item,) = benchmark(file, "exact").score(engine, evaluation()).items
    if engine.has_chat_template:
        assert item.prompt == "[user]1 + 1 =[assistant]2[user]2 + 2 ="
    else:
        assert item.prompt == "1 + 1 =\n2\n\n2 + 2 =\n"


def test_the_likeliest_option_per_character_is_the_choice_and_chance_follows_the_options(tiny: Engine, tmp_path: Path) -> None:
    rows = [
        {"prompt": "Two:", "options": ["2", "three"], "answer": "2"},
        {"prompt": "Three:", "options": ["three", "2", "4", "five"], "answer": "five"},
    ]
    made = benchmark(written(tmp_path, *rows), "choice").score(tiny, evaluation())
    assert made.chance == pytest.approx((1 / 2 + 1 / 4) / 2)
    for item, row in zip(sorted(made.items, key=lambda one: one.id), rows, strict=True):
        assert item.log_probabilities is not None
        best = max(range(len(row["options"])), key=lambda place: item.log_probabilities[place] / len(row["options"][place]))
        assert item.answer == row["options"][best]
        assert item.score == float(row["options"][best] == row["answer"])


@pytest.fixture(scope="module")
def thinks(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    from pytest_unicomp import engine

    return engine.load(thinking_toy.checkpoint(tmp_path_factory.mktemp("thinks")), device="cpu", dtype="auto")


def test_template_arguments_thoughts_and_several_replies_reach_a_file_of_questions(thinks: Engine, tmp_path: Path) -> None:
    entry = benchmark(written(tmp_path, {"prompt": "2", "answer": "4"}), "exact")
    how = replace(evaluation(), template_arg=("enable_thinking=true",), sampling="model", replies=3)
    found = evaluate.measure(artifact(str(thinks.path)), "sums", entry, thinks, how)
    assert (found.value, found.conditions.template_arguments, found.conditions.replies) == (1.0, {"enable_thinking": True}, 3)
    assert [(reply.answer, reply.thoughts) for reply in found.items[0].replies or []] == [("4", "xy")] * 3
    without = evaluate.measure(artifact(str(thinks.path)), "sums", entry, thinks, evaluation())
    assert (without.value, without.items[0].prompt, found.items[0].prompt) == (0.0, "2?", "2!")


def test_template_arguments_reach_the_options_of_a_choice(thinks: Engine, tmp_path: Path) -> None:
    entry = benchmark(written(tmp_path, {"prompt": "2", "options": ["<think>", "5"], "answer": "5"}), "choice")
    how = replace(evaluation(), template_arg=("enable_thinking=true",), replies=3)
    found = evaluate.measure(artifact(str(thinks.path)), "picks", entry, thinks, how)
    assert (found.items[0].prompt, found.value, found.conditions.replies) == ("2!", 0.0, 1)
    assert evaluate.measure(artifact(str(thinks.path)), "picks", entry, thinks, evaluation()).value == 1.0


def test_a_judge_reads_the_criteria_and_what_it_does_not_answer_has_no_score(
    tiny: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    class Said(Judge):
        def answer(self, questions: Any) -> list[str | None]:
            seen.extend(questions)
            return ["RIGHT." if "kind" in one["criteria"] else "WRONG" if "brief" in one["criteria"] else "maybe" for one in questions]

    monkeypatch.setattr("pytest_unicomp.judges.build.build", lambda _: Said("toy"))
    rows = [{"prompt": f"Say {word}.", "criteria": f"It is {word}."} for word in ("kind", "brief", "odd")]
    how = replace(evaluation(), judge="server:http://localhost:1/v1")
    made = benchmark(written(tmp_path, *rows), "judge").score(canned(tiny, lambda _: "hello"), how)
    assert {item.prompt.split()[-1]: item.score for item in made.items} == {"kind.": 1.0, "brief.": 0.0, "odd.": None}
    assert (made.unjudged, made.judge) == (1, "toy")
    assert {one["reply"] for one in seen} == {"hello"}


def test_rules_cannot_judge_criteria(tmp_path: Path) -> None:
    file = written(tmp_path, {"prompt": "Be kind.", "criteria": "It is kind."})
    with pytest.raises(UsageProblem, match="expected --unicomp-judge=server:URL"):
        benchmark(file, "judge").validate(evaluation())


def test_only_the_words_of_the_judge_are_verdicts() -> None:
    assert [verdict(text) for text in ("RIGHT", "wrong.", "**Right**", "It is right", "", None)] == [1.0, 0.0, 1.0, None, None, None]


def test_the_identity_changes_with_the_file_and_its_settings(tmp_path: Path) -> None:
    first = benchmark(written(tmp_path, {"prompt": "x", "answer": "y"}), "exact")
    before = first.identity(evaluation())
    assert first.identity(evaluation()) == before
    assert replace(first, tokens=9).identity(evaluation()) != before
    written(tmp_path, {"prompt": "x", "answer": "z"})
    assert first.identity(evaluation()) != before
