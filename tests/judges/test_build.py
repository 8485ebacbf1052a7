"""The judge of a run is built from its option; each question goes to the part that answers its task."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.judges import build
from pytest_unicomp.judges.question import judge_question


@dataclass(frozen=True)
class Loud:
    """A server that answers every question with its task, and a refusal with the word that its prompt asks for."""

    def answer(self, questions: Any) -> list[str]:
        return ["REFUSES." if question.task == "refusal" else question.task for question in questions]


@dataclass(frozen=True)
class Near:
    def cosines(self, pairs: Any) -> list[float]:
        return [0.5 for _ in pairs]


QUESTIONS = [
    judge_question("ETHICS", res="x"),
    judge_question("similarity", first="a", second="b"),
    judge_question("refusal", prompt="p", response="I'm sorry, but I can't assist with that."),
    judge_question("squad", res="y"),
]


def test_answers_come_in_the_order_of_the_questions_whoever_gives_them():
    assert build.Judge("x", server=Loud(), embeddings=Near()).answer(QUESTIONS) == ["ETHICS", "0.500000", "refuses", "squad"]
    assert build.Judge("x").answer(QUESTIONS[1:3]) == [None, "refuses"]
    assert build.Judge("x").answer([]) == []


def test_the_name_of_the_rules_covers_every_file_that_they_read():
    folder = Path(build.__file__).parent
    waiting, reached = ["refusal.py", "opinions.py"], set()
    while waiting:
        name = waiting.pop()
        reached.add(name)
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            found = re.match(r"from pytest_unicomp\.judges\.(\w+) import", line)
            if found and f"{found[1]}.py" not in reached:
                waiting.append(f"{found[1]}.py")
    assert reached | {"refusal.json"} == set(build.RULE_FILES)


@pytest.mark.parametrize("wrong", ["rule", "classifier:", "server:", "gpt-4o", "server:ftp://x"])
def test_a_judge_of_no_known_form_is_refused(wrong):
    with pytest.raises(UsageProblem):
        build.validate(wrong, None)
