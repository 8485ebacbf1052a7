"""HumanEval and MBPP on data made here in the hub's layout: lm-eval's prompts, replies run in the sandbox, and refusals before anything runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.benchmark import Evaluation
from pytest_unicomp.api.errors import MissingPiece, UsageProblem
from pytest_unicomp.benchmarks.code import sandbox, upstream
from pytest_unicomp.benchmarks.code.task import CodeTask
from pytest_unicomp.benchmarks.performance import humaneval, mbpp
from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import canned, evaluation

isolated = pytest.mark.skipif(sandbox.refusal() is not None, reason=f"no sandbox here: {sandbox.refusal()}")
BENCHMARKS = {**humaneval.BENCHMARKS, **mbpp.BENCHMARKS}


def humaneval_row(number: int) -> dict[str, Any]:
    """A row of the hub's layout: a function that adds `number`."""
    return {
        "task_id": f"HumanEval/{number}",
        "prompt": f'def add_{number}(x):\n    """Return x plus {number}.\n    >>> add_{number}(1)\n    {number + 1}\n    """\n',
        "entry_point": f"add_{number}",
        "canonical_solution": f"    return x + {number}\n",
        "test": f"METADATA = {{'author': 'test'}}\n\n\ndef check(candidate):\n    assert candidate(1) == {number + 1}\n    assert candidate(-1) == {number - 1}\n",
    }


def mbpp_row(number: int) -> dict[str, Any]:
    """A row of the hub's layout: a function that multiplies by `number`."""
    tests = [f"assert times_{number}({value}) == {value * number}" for value in (0, 1, 7)]
    return {
        "task_id": 11 + number,
        "text": f"Write a function to multiply by {number}.",
        "code": f"def times_{number}(x):\r\n  return x * {number}",
        "test_list": tests,
        "test_setup_code": "",
        "challenge_test_list": [],
    }


@pytest.fixture
def code_bundle(tmp_path: Path) -> Path:
    for name, configuration, row in (
        ("openai/openai_humaneval", "openai_humaneval", humaneval_row),
        ("google-research-datasets/mbpp", "full", mbpp_row),
    ):
        folder = tmp_path / name / configuration
        folder.mkdir(parents=True)
        (folder / "test.jsonl").write_text("".join(json.dumps(row(number)) + "\n" for number in range(3)))
        listed = f"configs:\n- config_name: {configuration}\n  data_files:\n  - split: test\n    path: {configuration}/test.jsonl\n"
        (tmp_path / name / "README.md").write_text(f"---\n{listed}---\n")
    return tmp_path


def allowed(bundle: Path) -> Evaluation:
    return replace(evaluation(bundle), run_code=True)


def score(name: str, engine: Engine, bundle: Path, replies: dict[int, str]) -> list[float | None]:
    """Return the scores of items 0, 1 and 2 if the model replies to the prompt that holds `_0(`, `_1(`, `_2(` last so."""

    def reply(prompt: str) -> str:
        last = max(range(3), key=lambda number: max(prompt.rfind(f"add_{number}("), prompt.rfind(f"times_{number}(")))
        return replies[last]

    scored = BENCHMARKS[name].score(canned(engine, reply), allowed(bundle))
    return [item.score for item in sorted(scored.items, key=lambda item: item.id)]


@isolated
def test_humaneval_puts_the_prompt_before_the_reply_and_checks_the_function(tiny: Engine, code_bundle: Path) -> None:
    replies = {0: "    return x + 0\n", 1: "    return x\n", 2: "    import os\n    os._exit(0)\n"}
    assert score("humaneval", tiny, code_bundle, replies) == [1.0, 0.0, 0.0]


@isolated
def test_humaneval_instruct_takes_the_reply_up_to_the_end_of_the_code(tiny: Engine, code_bundle: Path) -> None:
    replies = {0: "    return x\n```\nThis adds nothing.", 1: "    return x + 1", 2: "    return x + 1\n```"}
    assert score("humaneval_instruct", tiny, code_bundle, replies) == [1.0, 1.0, 0.0]


@isolated
def test_mbpp_runs_the_three_assertions(tiny: Engine, code_bundle: Path) -> None:
    replies = {0: "def times_0(x):\n    return 0\n", 1: "def times_1(x): return x + 1", 2: "no code at all"}
    assert score("mbpp", tiny, code_bundle, replies) == [1.0, 0.0, 0.0]


@isolated
def test_every_right_answer_of_the_data_passes(tiny: Engine, code_bundle: Path) -> None:
    rows = range(3)
    assert score("humaneval", tiny, code_bundle, {n: humaneval_row(n)["canonical_solution"] for n in rows}) == [1.0, 1.0, 1.0]
    assert score("mbpp", tiny, code_bundle, {n: mbpp_row(n)["code"] for n in rows}) == [1.0, 1.0, 1.0]


@isolated
def test_prompts_and_stop_texts_are_those_of_lm_evals_files(tiny: Engine, code_bundle: Path) -> None:
    plain = BENCHMARKS["humaneval"].score(canned(tiny, lambda _: ""), allowed(code_bundle))
    assert {item.prompt for item in plain.items} == {humaneval_row(number)["prompt"] for number in range(3)}
    assert plain.generation["until"] == ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]
    assert plain.generation["max_gen_toks"] == 1024
    shots = BENCHMARKS["mbpp"].score(canned(tiny, lambda _: ""), allowed(code_bundle))
    [first] = [item for item in shots.items if item.id == "mbpp/0"]
    assert first.prompt.count("[BEGIN]\n") == 4
    assert first.prompt.count("[DONE]") == 3
    assert first.prompt.startswith(
        "You are an expert Python programmer, and here is your task: Write a function to find the similar elements"
    )
    tests = "\n".join(mbpp_row(0)["test_list"])
    asked = f"You are an expert Python programmer, and here is your task: Write a function to multiply by 0. Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    assert first.prompt.endswith(asked)
    assert first.target == tests


@isolated
def test_generation_settings_of_a_benchmark_replace_those_of_the_file(tiny: Engine, code_bundle: Path) -> None:
    own = replace(BENCHMARKS["humaneval"], generation={"until": ["###"], "max_gen_toks": 32, "do_sample": False})
    found = own.score(canned(tiny, lambda _: ""), allowed(code_bundle)).generation
    assert (found["until"], found["max_gen_toks"]) == (["###"], 32)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_code_is_refused_before_anything_runs_unless_it_was_allowed(name: str, code_bundle: Path) -> None:
    with pytest.raises(UsageProblem, match=f"benchmark {name} runs code that the models write; expected --unicomp-run-code"):
        BENCHMARKS[name].validate(evaluation(code_bundle))


@isolated
@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_is_accepted_if_it_was(name: str, code_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    BENCHMARKS[name].validate(allowed(code_bundle))
    with pytest.raises(MissingPiece):
        BENCHMARKS[name].validate(allowed(tmp_path_factory.mktemp("empty")))


def test_a_machine_without_a_sandbox_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch, code_bundle: Path) -> None:
    monkeypatch.setattr(sandbox, "refusal", lambda: "the sandbox needs Linux, this is darwin")
    with pytest.raises(UsageProblem, match=r"this machine has no sandbox for it: the sandbox needs Linux, this is darwin\.$"):
        BENCHMARKS["mbpp"].validate(allowed(code_bundle))


def test_several_replies_to_one_item_give_pass_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_unicomp.benchmarks.code import task

    class Row:
        @staticmethod
        def doc_to_target(row: dict[str, str]) -> str:
            return row["tests"]

    monkeypatch.setattr(sandbox, "run", lambda solution, tests: sandbox.Outcome("passed" if solution == tests else "failed"))
    assert task.score(Row, {"tests": "a"}, ["a"]) == {"pass@1": 1.0}
    assert task.score(Row, {"tests": "a"}, [["a", "b", "b", "b"]]) == {"pass@1": 0.25}


@pytest.mark.parametrize("entry", BENCHMARKS.values(), ids=BENCHMARKS)
def test_lm_evals_file_is_read_without_importing_its_module(entry: CodeTask) -> None:
    import sys

    from lm_eval import tasks

    (name, configuration), *_ = entry.parts
    found = upstream.configuration(Path(tasks.__file__).parent / entry.folder / f"{name}.yaml")
    assert found["dataset_path"] == entry.dataset
    assert found["num_fewshot"] == entry.shots
    assert found.get("dataset_name", configuration) == configuration
    assert [one["name"] for one in found.get("filter_list", [{"name": "none"}])] == [entry.filter]
    assert not any("code_eval" in module for module in sys.modules)


def test_lm_evals_extraction_for_mbpp_instruct_still_loses_the_first_word() -> None:
    """The reason why `mbpp_instruct` is left out; if this fails, lm-eval has mended it and the benchmark can be added."""
    from lm_eval import tasks

    extract = upstream.functions(Path(tasks.__file__).parent / "mbpp/utils.py")["extract_code_blocks"]
    assert extract("def f(x):\n    return x\n```") == " f(x):\n    return x"
