"""Our verdicts on real replies are the official ones, and nothing is downloaded for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.benchmarks import nltk_data
from pytest_unicomp.benchmarks.performance import ifeval
from pytest_unicomp.benchmarks.performance.ifbench import benchmark as ifbench
from pytest_unicomp.benchmarks.performance.ifbench.verdicts import VERIFIERS, follows, verdicts, versions
from tests.engine.toy_engine import evaluation

# Verdicts in which we differ from the official ones: (key of the row, instruction, strict or loose) and why.
DRAWN = "its author's program counted a letter that it drew, in place of the one that the prompt names"
EXCEPTIONS = {(row, "keywords:letter_frequency", kind): DRAWN for row in ("1122", "1129") for kind in ("strict", "loose")}
# Judged replies whose prompt is not in the test set: it was taken out after they were made. Their instruction has no arguments.
ABSENT = {("I want you to act as a teacher explaining concepts relevant ", ("custom:csv_city",))}
FILES = {
    "ifeval": ("google/IFEval", "ifeval_Qwen__Qwen2.5-1.5B-Instruct-GPTQ-Int4", ifeval.verdicts, 834),
    "ifbench": ("allenai/IFBench_test", "ifbench", verdicts, 167),
}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asked(prompt: str) -> str:
    """The beginning of a prompt: one row of IFEval was reworded at its end after the replies were made."""
    return " ".join(prompt.split())[:60]


@pytest.mark.parametrize("name", FILES)
def test_our_verdicts_on_real_replies_are_the_official_ones_strict_and_loose(name: str, shared: Path, offline: None) -> None:
    dataset, stem, judge, instructions = FILES[name]
    hub = shared / "hub"
    documents: dict[tuple[str, tuple[str, ...]], Any] = {
        (asked(row["prompt"]), tuple(row["instruction_id_list"])): row for row in rows(hub / dataset / "default/train.jsonl")
    }
    found, differing = 0, set()
    official = zip(*(rows(shared / f"ifeval_scored/{stem}_{kind}.jsonl") for kind in ("strict", "loose")), strict=True)
    for strict, loose in official:
        names = tuple(instruction.removeprefix("en:") for instruction in strict["instruction_id_list"])
        key = asked(strict["prompt"]), names
        document = {"key": "absent", "instruction_id_list": names, "kwargs": [{}]} if key in ABSENT else documents[key]
        ours = judge(document, strict["response"], hub)
        for kind, own, theirs in zip(("strict", "loose"), ours, (strict, loose), strict=True):
            pairs = zip(names, own, theirs["follow_instruction_list"], strict=True)
            differing |= {(str(document["key"]), instruction, kind) for instruction, one, other in pairs if one != other}
        found += len(names)
    assert found == instructions
    assert differing == (set(EXCEPTIONS) if name == "ifeval" else set())


FOLLOWED_AND_NOT: dict[str, tuple[dict[str, Any], str, str]] = {
    "custom:mcq_count_length": (
        {},
        "\n".join(f"Question {n}. {'Which ' * n}?\n" + "\n".join(f"{letter}) yes" for letter in "ABCDE") for n in (1, 2, 3, 4)),
        "Question 1. Which?\nA) yes",
    ),
    "custom:reverse_newline": (
        {},
        "Zimbabwe\n" + "\n".join(chr(86 - n // 3) * (4 - n % 3) for n in range(52)),
        "Zimbabwe\nZambia",
    ),
    "custom:word_reverse": ({}, "America of bird national the is eagle bald The.", "The bald eagle is the national bird."),
    "custom:character_reverse": ({}, ".acirema fo drib eht si elgae dlab ehT", "The bald eagle"),
    "custom:csv_quotes": (
        {},
        '"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"\n' + "\n".join('"1"\t"a"\t"b"\t"c"\t"2"' for _ in range(3)),
        "StudentID\tSubject\tGrade\tSemester\tScore\n1\ta\tb\tc\t2",
    ),
    "custom:date_format_list": ({}, "1769-08-15, 1821-05-05", "1769-08-15, 1822-05-05"),
    "format:thesis": ({}, "<i>It is so.</i> Because it is.", "<i>It is so.</i>"),
    "words:vowel": ({}, "a cat sits", "a cat sits on us"),
    "repeat:repeat_span": ({"prompt_to_repeat": "one two three four", "n_start": 1, "n_end": 3}, "Two three", "three four"),
    "sentence:increment": ({"small_n": 1}, "Go. Go on. Go on now.", "Go. Go on now."),
}


@pytest.mark.parametrize("name", FOLLOWED_AND_NOT)
def test_a_verifier_tells_a_reply_that_follows_from_one_that_does_not(name: str) -> None:
    given, right, wrong = FOLLOWED_AND_NOT[name]
    assert follows(name, given, [right]) is True
    assert follows(name, given, [wrong]) is False


def test_every_instruction_of_the_test_set_has_a_verifier_and_survives_odd_replies(hub: Path) -> None:
    with nltk_data.lent(("punkt_tab",), hub):
        for row in rows(hub / "allenai/IFBench_test/default/train.jsonl"):
            for reply in ("", " \n ", ".", "好", "a", '"', "," * 2000):
                for name, given in zip(row["instruction_id_list"], row["kwargs"], strict=True):
                    assert follows(name, given, versions(reply)) in (True, False)


def test_an_instruction_without_a_verifier_is_an_error_and_not_a_wrong_answer() -> None:
    with pytest.raises(InfrastructureError, match="no verifier for the instruction 'count:stars'"):
        follows("count:stars", {}, ["*"])
    assert len(VERIFIERS) == 58


@pytest.mark.parametrize("entry", [ifeval.BENCHMARKS["ifeval"], ifbench.BENCHMARKS["ifbench"]])
def test_a_bundle_without_nltks_data_is_refused_before_anything_runs(entry: Any, hub: Path, tmp_path: Path) -> None:
    (tmp_path / "google").symlink_to(hub / "google")
    (tmp_path / "allenai").symlink_to(hub / "allenai")
    with pytest.raises(UsageProblem, match=r"lacks nltk's punkt_tab; expected it at "):
        entry.validate(evaluation(tmp_path))


def test_a_reply_is_judged_without_the_reasoning_before_it(hub: Path, tiny: Any) -> None:
    from tests.engine.toy_engine import canned

    def spaced(prompt: str) -> str:
        return "some thoughts</think>" + "NoSpaces"

    scored = ifbench.BENCHMARKS["ifbench"].score(canned(tiny, spaced), evaluation(hub, limit=None))
    right = {item.id for item in scored.items if item.score == 1}
    documents = rows(hub / "allenai/IFBench_test/default/train.jsonl")
    of = {name: {f"ifbench/{place}" for place, row in enumerate(documents) if row["instruction_id_list"] == [name]} for name in VERIFIERS}
    assert of["format:no_whitespace"]
    assert of["format:no_whitespace"] <= right
    assert of["count:keywords_multiple"].isdisjoint(right)


def test_a_character_that_is_no_letter_is_counted_and_not_replaced_by_a_drawn_one(shared: Path, offline: None) -> None:
    asked_for = {"let_relation": "at least", "letter": "!", "let_frequency": 2}
    document = {"key": 1, "prompt": "?", "instruction_id_list": ["keywords:letter_frequency"], "kwargs": [asked_for]}
    letters = "abcdefghijklmnopqrstuvwxyz" * 2
    assert {ifeval.verdicts(document, f"{letters}!", shared / "hub")[0][0] for _ in range(20)} == {False}
    assert {ifeval.verdicts(document, "Yes!!", shared / "hub")[0][0] for _ in range(20)} == {True}
