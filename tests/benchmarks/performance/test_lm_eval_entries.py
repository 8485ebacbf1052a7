"""Entries of long thoughts, told knowledge and long texts beside lm-eval's installed tasks, and their scores on data made here in the hub's layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError, MissingPiece
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.api.vocabulary import SETS
from pytest_unicomp.benchmarks import lm_eval_name, lm_eval_yaml
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask
from pytest_unicomp.benchmarks.performance import aime, gpqa, longbench2, mmlu, mmlu_pro, nq_open, triviaqa
from pytest_unicomp.engine import Engine
from tests.benchmarks.hub_rows import mmlu_pro_rows, rows
from tests.engine.toy_engine import canned, evaluation

# Entry, lm-eval's name of it, and the fields that the entry sets on purpose otherwise than the task does.
ENTRIES: list[tuple[LmEvalTask, str, dict[str, Any]]] = [
    (mmlu_pro.BENCHMARKS["mmlu_pro"], "mmlu_pro", {}),
    (aime.BENCHMARKS["aime24"], "aime24", {}),
    (aime.BENCHMARKS["aime25"], "aime25", {}),
    (gpqa.BENCHMARKS["gpqa_diamond_cot_zeroshot"], "gpqa_diamond_cot_zeroshot,filter=flexible-extract", {}),
    (triviaqa.BENCHMARKS["triviaqa"], "triviaqa", {"shots": 0}),
    (nq_open.BENCHMARKS["nq_open"], "nq_open", {"shots": 0}),
    (mmlu.BENCHMARKS["mmlu_generative"], "mmlu_generative", {"shots": 0}),
    (longbench2.BENCHMARKS["longbench2"], "longbench2", {}),
]
OF_THE_TASK = ("parts", "dataset", "metric", "filter", "shots", "generates", "higher_is_better", "max_gen_toks")


@pytest.mark.parametrize(("entry", "name", "changed"), ENTRIES, ids=[name.partition(",")[0] for _, name, _ in ENTRIES])
def test_an_entry_says_what_the_installed_task_says(entry: LmEvalTask, name: str, changed: Mapping[str, Any]) -> None:
    task = lm_eval_name.benchmark(f"lm-eval:{name}")
    stated = {field: vars(task)[field] for field in OF_THE_TASK}
    mine = {field: vars(entry)[field] for field in OF_THE_TASK} | dict(changed)
    assert {**mine, "parts": sorted(mine["parts"])} == {**stated, "parts": sorted(stated["parts"])}
    assert Path(task.folder) == lm_eval_yaml.root() / entry.folder


def test_every_set_that_a_benchmark_names_can_be_asked_for() -> None:
    for name, entry in benchmarks().items():
        assert set(entry.sets) <= {*SETS, entry.capability}, name


def competition(bundle: Path) -> None:
    found = [{"ID": f"2024-I-{one}", "Problem": f"What is {one} + 1?", "Solution": "?", "Answer": one + 1} for one in range(3)]
    rows(bundle, "Maxwell-Jia/AIME_2024/default/train.jsonl", *found)


def experts(bundle: Path) -> None:
    wrong = {f"Incorrect Answer {one}": f"wrong {one}" for one in (1, 2, 3)}
    found = [{"Question": f"Which is {one}?", "Correct Answer": f"right {one}", **wrong} for one in range(4)]
    rows(bundle, "Idavidrein/gpqa/gpqa_diamond/train.jsonl", *found)


def trivia(bundle: Path) -> None:
    def row(one: int) -> dict[str, Any]:
        names = {"value": f"{one + 1}", "aliases": [f"{one + 1}", f"The {one + 1}th"], "normalized_aliases": [], "type": "x"}
        return {"question": f"What is {one} + 1", "question_id": str(one), "answer": names}

    for split in ("train", "validation"):
        rows(bundle, f"mandarjoshi/trivia_qa/rc.nocontext/{split}.jsonl", *map(row, range(6)))


def searches(bundle: Path) -> None:
    found = [{"question": f"what is {one} + 1", "answer": [f"the {one + 1}", f"number {one + 1}"]} for one in range(6)]
    for split in ("train", "validation"):
        rows(bundle, f"google-research-datasets/nq_open/default/{split}.jsonl", *found)


def sum_of(prompt: str) -> int:
    """Return the sum that the last question of a prompt asks for."""
    return int(re.findall(r"(\d+) \+ 1", prompt)[-1]) + 1


def scores(name: str, engine: Engine, bundle: Path, reply: Callable[[str], str]) -> list[float | None]:
    entry = next(entry for entry, task, _ in ENTRIES if task.partition(",")[0] == name)
    entry.validate(evaluation(bundle))
    return [item.score for item in entry.score(canned(engine, reply), evaluation(bundle, limit=None)).items]


@pytest.mark.parametrize(
    ("name", "data", "right", "wrong"),
    [
        ("mmlu_pro", mmlu_pro_rows, lambda _: "The second, so the answer is (B).", lambda _: "It is (B)."),
        ("aime24", competition, lambda prompt: f"It is \\boxed{{{sum_of(prompt)}}}.", lambda prompt: f"It is {sum_of(prompt)}."),
        ("triviaqa", trivia, lambda prompt: f" {sum_of(prompt)}", lambda prompt: f" It is {sum_of(prompt)}"),
        ("nq_open", searches, lambda prompt: f" {sum_of(prompt)}", lambda prompt: f" {sum_of(prompt) + 1}"),
    ],
)
def test_right_replies_score_one_and_wrong_ones_zero(
    name: str, data: Any, right: Callable[[str], str], wrong: Callable[[str], str], tiny: Engine, tmp_path: Path, offline: None
) -> None:
    data(tmp_path)
    assert set(scores(name, tiny, tmp_path, right)) == {1.0}
    assert set(scores(name, tiny, tmp_path, wrong)) == {0.0}


def test_thoughts_that_do_not_fit_into_the_context_end_in_one_line(tiny: Engine, tmp_path: Path, offline: None) -> None:
    competition(tmp_path)
    with pytest.raises(InfrastructureError, match=r"up to 32,768 tokens do not fit into the model's context of 8,192 tokens; .*=4096\.$"):
        aime.BENCHMARKS["aime24"].score(tiny, evaluation(tmp_path))


def test_questions_with_fewer_options_are_easier_to_guess(tiny: Engine, tmp_path: Path, offline: None) -> None:
    mmlu_pro_rows(tmp_path)
    scored = mmlu_pro.BENCHMARKS["mmlu_pro"].score(canned(tiny, str), evaluation(tmp_path, limit=None))
    assert len(scored.items) == 56
    assert scored.chance == pytest.approx((1 / 4 + 1 / 10) / 2)
    assert {item.cluster for item in scored.items} == {"source-0", "source-1"}


def test_experts_questions_are_thought_about_without_examples_and_scored_by_the_last_letter(tiny: Engine, tmp_path: Path) -> None:
    experts(tmp_path)

    def thought(prompt: str) -> str:
        options = re.findall(r"\(([A-D])\) (\w+ \d)", prompt)
        return f"Perhaps (A). No: the answer is ({next(letter for letter, text in options if text.startswith('right'))})."

    entry = gpqa.BENCHMARKS["gpqa_diamond_cot_zeroshot"]
    scored = entry.score(canned(tiny, thought), evaluation(tmp_path))
    assert [item.score for item in scored.items] == [1.0] * 4
    assert (scored.chance, scored.generation["max_gen_toks"], scored.generation["until"]) == (0.25, 32768, ["</s>"])
    assert all("step by step" in (item.prompt or "") and (item.prompt or "").count("Choices:") == 1 for item in scored.items)


def test_the_letters_of_mmlu_are_written_after_five_examples_of_the_subject(tiny: Engine, hub: Path, offline: None) -> None:
    entry = replace(mmlu.WRITTEN, parts=(("mmlu_anatomy_generative", "anatomy"), ("mmlu_virology_generative", "virology")))
    scored = entry.score(canned(tiny, lambda _: " B\nQuestion"), evaluation(hub, limit=40))
    assert {item.score for item in scored.items} == {0.0, 1.0}
    assert all((item.score == 1.0) is (item.target == "B") for item in scored.items)
    assert all((item.prompt or "").count("\nAnswer:") == 6 for item in scored.items)
    assert {item.cluster for item in scored.items} == {"anatomy", "virology"}


def test_a_long_text_is_asked_with_its_four_options_and_clustered_by_its_kind(tiny: Engine, tmp_path: Path, offline: None) -> None:
    for kind in longbench2.KINDS.values():
        found = {"context": f"A text of {kind}.", "question": "What is it?", "choices": ["w", "x", "y", "z"], "answer": 2}
        rows(tmp_path, f"recursal/longbench-v2/{kind}/train.jsonl", found)
    entry = longbench2.BENCHMARKS["longbench2"]
    entry.validate(evaluation(tmp_path))
    scored = entry.score(canned(tiny, str), evaluation(tmp_path, limit=None))
    assert {item.cluster for item in scored.items} == set(longbench2.KINDS.values())
    assert {(item.target, len(item.log_probabilities or ())) for item in scored.items} == {("C", 4)}
    assert scored.chance == 0.25


@pytest.mark.parametrize("entry", [entry for entry, _, _ in ENTRIES], ids=[name.partition(",")[0] for _, name, _ in ENTRIES])
def test_a_bundle_without_the_data_is_refused_before_anything_runs(entry: LmEvalTask, tmp_path: Path) -> None:
    with pytest.raises(MissingPiece, match=entry.dataset):
        entry.validate(evaluation(tmp_path))


def test_the_duration_of_long_thoughts_is_estimated_from_the_tasks_own_limit(tmp_path: Path) -> None:
    assert aime.BENCHMARKS["aime24"].typical_tokens(evaluation(tmp_path)).written == 32768 / 2
    assert triviaqa.BENCHMARKS["triviaqa"].typical_tokens(evaluation(tmp_path)).written == 256 / 2


def test_rows_that_changed_under_the_same_name_are_read_anew(tiny: Engine, tmp_path: Path, offline: None) -> None:
    for folder, count in (("first", 6), ("second", 8)):
        trivia(tmp_path / folder)
        for split in ("train", "validation"):
            file = tmp_path / folder / f"mandarjoshi/trivia_qa/rc.nocontext/{split}.jsonl"
            lines = file.read_text(encoding="utf-8").splitlines()
            file.write_text("\n".join([*lines, *lines][:count]) + "\n", encoding="utf-8")
        scored = triviaqa.BENCHMARKS["triviaqa"].score(canned(tiny, str), evaluation(tmp_path / folder, limit=None))
        assert len(scored.items) == count
