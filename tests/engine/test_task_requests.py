from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.benchmarks.lm_eval_task import load_tasks
from pytest_unicomp.engine import Engine
from pytest_unicomp.engine.prompts import PromptCache
from pytest_unicomp.engine.task_requests import TaskSetup, chance_level, score_documents
from pytest_unicomp.store.local import Store
from tests.engine.toy_engine import canned
from tests.engine.upstream import simple_evaluate

FLEXIBLE = TaskSetup(metric="exact_match", filter="flexible-extract", shots=5)


def test_arc_scores_are_those_of_simple_evaluate(tiny: Engine, hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [3, 17, 200, 501, 502, 1000, 1999, 2375]
    ours = score_documents(
        load_tasks("arc", ["arc_easy"], str(hub / "allenai/ai2_arc"))["arc_easy"], chosen, TaskSetup(metric="acc_norm"), tiny
    )
    again = load_tasks("arc", ["arc_easy"], str(hub / "allenai/ai2_arc"))["arc_easy"]
    theirs = simple_evaluate(tiny.lm, again, samples={"arc_easy": chosen})
    by_id = {sample["doc_id"]: sample for sample in theirs["samples"]["arc_easy"]}
    assert list(ours) == sorted(by_id)
    for index, item in ours.items():
        sample = by_id[index]
        assert item.id == f"arc_easy/{index}"
        assert item.score == sample["acc_norm"]
        assert item.prompt == sample["arguments"][0][0]
        assert item.log_probabilities == pytest.approx([response[0] for response in sample["filtered_resps"]], abs=1e-4)
        assert item.target == sample["doc"]["choices"]["text"][sample["target"]]
        assert (item.answer == item.target) == (item.score == 1.0)
    assert chance_level(ours.values()) == pytest.approx(0.25)


def test_few_shot_prompts_and_scores_are_those_of_a_whole_upstream_run_whatever_is_chosen(tiny: Engine, hub: Path) -> None:
    def reply(prompt: str) -> str:
        return f"So the answer is {len(prompt) % 40}."

    engine = canned(tiny, reply)
    tasks = [load_tasks("gsm8k", ["gsm8k"], str(hub / "openai/gsm8k"))["gsm8k"] for _ in range(3)]
    theirs = simple_evaluate(engine.lm, tasks[0], limit=30)
    samples = {sample["doc_id"]: sample for sample in theirs["samples"]["gsm8k"] if sample["filter"] == "flexible-extract"}
    few, more = score_documents(tasks[1], [29, 4], FLEXIBLE, engine), score_documents(tasks[2], range(30), FLEXIBLE, engine)
    assert list(few) == [4, 29]
    for index, item in more.items():
        assert item.prompt == samples[index]["arguments"][0][0]
        assert item.prompt.count("Question:") == 6
        assert item.score == samples[index]["exact_match"]
    assert few[4] == more[4]
    assert few[29] == more[29]


def test_prompts_are_rendered_once_and_read_from_the_cache_afterwards(
    tiny: Engine, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = canned(tiny, lambda prompt: "4")
    task = load_tasks("gsm8k", ["gsm8k"], str(hub / "openai/gsm8k"))["gsm8k"]
    rendered: list[int] = []
    original = task.fewshot_context
    monkeypatch.setattr(task, "fewshot_context", lambda *given, **how: rendered.append(1) or original(*given, **how))

    def prompt_cache(identity: str) -> PromptCache:
        return PromptCache(Store(tmp_path), "gsm8k", {"dataset": identity}, tiny.tokenizer)

    first = score_documents(task, [4, 9], FLEXIBLE, engine, prompt_cache("one"))
    assert len(rendered) == 2
    assert score_documents(task, [9], FLEXIBLE, engine, prompt_cache("one")) == {9: first[9]}
    assert len(rendered) == 2
    assert score_documents(task, [2, 9], FLEXIBLE, engine, prompt_cache("one"))[9] == first[9]
    score_documents(task, [9], FLEXIBLE, engine, prompt_cache("other data"))
    assert len(rendered) == 5


def test_generated_replies_are_scored_by_the_last_number(tiny: Engine, hub: Path) -> None:
    task = load_tasks("gsm8k", ["gsm8k"], str(hub / "openai/gsm8k"))["gsm8k"]
    right = task.eval_docs[0]["answer"].split("#### ")[1]
    question = task.eval_docs[0]["question"]
    engine = canned(tiny, lambda prompt: f"First 7, then {right}" if question in prompt else "I do not know.")
    items = score_documents(task, [0, 1], FLEXIBLE, engine)
    assert [items[0].score, items[1].score] == [1.0, 0.0]
    assert items[1].answer == "I do not know."
    assert chance_level(items.values()) is None
