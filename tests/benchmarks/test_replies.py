"""A benchmark of prompts and replies is whole once its prompts and its grades are given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation, ItemText
from pytest_unicomp.benchmarks.replies import Prompt, ReplyBenchmark, greedy
from pytest_unicomp.engine.prompts import chat_template_digest
from tests.engine.toy_engine import canned, evaluation, tiny_engine


class Sums(ReplyBenchmark):
    def prompts(self, evaluation: Evaluation) -> Iterator[Prompt]:
        for number in range(10):
            yield Prompt(f"sum-{number}", f"{number} + 1 =", target=str(number + 1), cluster="even" if number % 2 == 0 else "odd")

    def grade(self, prompt: Prompt, reply: str) -> float | None:
        return None if reply == "?" else float(reply == prompt.target)


SUMS = Sums(capability="reasoning", metric="equal", tokens=7, chance=0.1)


def test_the_selected_prompts_are_put_and_their_replies_graded(tmp_path):
    engine = tiny_engine(tmp_path)
    found = SUMS.score(canned(engine, lambda prompt: "?" if prompt == "[user]0 + 1 =" else "5"), evaluation(limit=None))
    scores = {item.id: item.score for item in found.items}
    assert scores == {f"sum-{number}": None if number == 0 else float(number == 4) for number in range(10)}
    assert (found.chance, found.generation, found.template) == (0.1, greedy(7), chat_template_digest(engine.tokenizer))
    four = next(item for item in found.items if item.id == "sum-4")
    assert (four.prompt, four.answer, four.target, four.cluster) == ("[user]4 + 1 =", "5", "5", "even")
    few = SUMS.score(canned(engine, str.strip), evaluation(limit=3))
    assert [item.id for item in few.items] == [item.id for item in found.items][:3]


def test_the_identity_changes_with_any_prompt_target_or_setting():
    class Other(Sums):
        def prompts(self, evaluation: Evaluation) -> Iterator[Prompt]:
            yield from list(super().prompts(evaluation))[:-1]

    how = evaluation()
    same = Sums(capability="reasoning", metric="equal", tokens=7)
    longer = Sums(capability="reasoning", metric="equal", tokens=8)
    assert SUMS.identity(how) == same.identity(how)
    assert len({str(entry.identity(how)) for entry in (SUMS, longer, Other(capability="reasoning", metric="equal", tokens=7))}) == 3


def test_calibration_text_is_searched_for_its_prompts():
    assert list(SUMS.questions(evaluation(limit=2)))[:1] == [ItemText("sum-0", "0 + 1 =")]
    assert len(list(SUMS.questions(evaluation(limit=2)))) == 10


def test_prompts_that_cannot_be_read_are_one_line_before_anything_runs(tmp_path):
    class Gone(Sums):
        def prompts(self, evaluation: Evaluation) -> Iterator[Prompt]:
            yield Prompt("a", (tmp_path / "gone.jsonl").read_text())

    with pytest.raises(UsageProblem, match=r"the prompts of Gone cannot be read: FileNotFoundError"):
        Gone(capability="reasoning", metric="equal").validate(evaluation())
    assert SUMS.validate(evaluation()) is None
