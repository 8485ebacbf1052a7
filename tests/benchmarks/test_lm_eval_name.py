"""A task by its name is asked and scored as lm-eval does; what cannot be paired, or runs code of its own, is refused before anything runs."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.api.model import LM

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.benchmarks import lm_eval_name
from pytest_unicomp.benchmarks.performance.mmlu import SUBJECTS
from pytest_unicomp.engine import Engine
from tests.benchmarks.hub_rows import mmlu_pro_rows, rows
from tests.engine.toy_engine import evaluation

OWN = """task: own_sums
dataset_path: own/sums
output_type: generate_until
test_split: test
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 4, do_sample: false}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
  - {metric: bleu}
"""


def trivia(bundle: Path) -> None:
    answers = {
        "value": "4",
        "aliases": ["4", "four"],
        "normalized_aliases": ["4"],
        "matched_wiki_entity_name": "",
        "normalized_matched_wiki_entity_name": "",
        "normalized_value": "4",
        "type": "x",
    }
    found = [{"question": f"{one} + {4 - one}", "question_id": str(one), "answer": answers} for one in range(4)]
    for split in ("train", "validation"):
        rows(bundle, f"mandarjoshi/trivia_qa/rc.nocontext/{split}.jsonl", *found)


def arc(bundle: Path) -> None:
    found = [
        {
            "id": f"q{one}",
            "question": f"Which is {one}?",
            "choices": {"text": [str(one), "a long wrong answer", "x"], "label": ["A", "B", "C"]},
            "answerKey": "ABC"[one % 3],
        }
        for one in range(6)
    ]
    for split in ("train", "validation", "test"):
        rows(bundle, f"allenai/ai2_arc/ARC-Easy/{split}.jsonl", *found)


def both_arcs(bundle: Path) -> None:
    arc(bundle)
    for path in (bundle / "allenai/ai2_arc/ARC-Easy").iterdir():
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows(bundle, f"allenai/ai2_arc/ARC-Challenge/{path.name}", *({**row, "question": f"Hard: {row['question']}"} for row in found))


def lambada(bundle: Path) -> None:
    texts = ["He took the umbrella since it was raining", "She opened the door and saw the cat", "They sang until the sun rose at dawn"]
    rows(bundle, "EleutherAI/lambada_openai/default/test.jsonl", *({"text": text} for text in texts))


def own(bundle: Path) -> Path:
    rows(bundle, "own/sums/default/test.jsonl", *({"question": f"{one} + 1 =", "answer": str(one + 1)} for one in range(5)))
    path = bundle / "own_sums.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


def theirs(spelling: str, engine: Engine, bundle: Path, limit: int | None = None) -> float:
    """Return the score of lm-eval's own `simple_evaluate` on the data of the bundle: the mean over all items of the task, or of the group."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    entry = lm_eval_name.benchmark(spelling, trusted=[str(bundle / "own_sums.yaml")])
    manager = TaskManager(include_path=str(Path(lm_eval.__file__).parent / "tasks" / entry.folder), include_defaults=False)
    shots = entry.shots or None
    members = [{"task": task, "dataset_path": str((bundle / entry.dataset).resolve())} for task, _ in entry.parts]
    asked = [{"group": "theirs", "task": members}]
    found = lm_eval.simple_evaluate(model=engine.lm, tasks=asked, task_manager=manager, bootstrap_iters=0, limit=limit, num_fewshot=shots)
    values = [sample[entry.metric] for samples in found["samples"].values() for sample in samples if sample["filter"] == entry.filter]
    stated = [(found["results"][task][f"{entry.metric},{entry.filter}"], len(found["samples"][task])) for task, _ in entry.parts]
    mean = sum(float(value) for value in values) / len(values)
    assert mean == pytest.approx(sum(value * count for value, count in stated) / sum(count for _, count in stated))
    return mean


@pytest.mark.parametrize(
    ("spelling", "data"),
    [
        ("lm-eval:arc_easy", arc),
        ("lm-eval:arc_easy,metric=acc_norm", arc),
        ("lm-eval:triviaqa", trivia),
    ],
)
@pytest.mark.slow
def test_the_score_is_that_of_lm_evals_own_evaluation(spelling: str, data: Any, tiny: Engine, tmp_path: Path, offline: None) -> None:
    data(tmp_path)
    entry = lm_eval_name.benchmark(spelling)
    how = evaluation(tmp_path, limit=None)
    entry.validate(how)
    scored = entry.score(tiny, how)
    scores = [item.score for item in scored.items if item.score is not None]
    assert len(scores) == len(scored.items) > 0
    assert sum(scores) / len(scores) == pytest.approx(theirs(spelling, tiny, tmp_path))


class Toy(LM):  # type: ignore[misc, unused-ignore]
    """A model that finds words of an odd length likely, and answers every second prompt right."""

    batch_size_per_gpu = 1
    max_length = 8192

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        return [(-float(zlib.crc32("".join(one.args).encode()) % 97), len(one.args[1].strip()) % 2 == 1) for one in requests]

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        return [-float(len(one.args[0])) for one in requests]

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        return [self.reply(str(one.args[0])) for one in requests]

    @staticmethod
    def reply(prompt: str) -> str:
        """Return the right answer to a sum, or to a question of which (B) is right, for half of the prompts."""
        sums = re.findall(r"(\d+) \+ 1 =", prompt)
        odd = zlib.crc32(prompt.encode()) % 2
        return str(int(sums[-1]) + odd) if sums else f"So the answer is ({'AB'[odd]})."


@pytest.mark.parametrize(
    ("spelling", "data"),
    [
        ("lm-eval:lambada_openai,metric=acc", lambada),
        ("lm-eval:ai2_arc", both_arcs),
        ("lm-eval:mmlu_pro", mmlu_pro_rows),
        ("lm-eval:{bundle}/own_sums.yaml", own),
    ],
)
@pytest.mark.slow
def test_words_groups_and_own_files_have_the_scores_of_lm_evals_own_evaluation(
    spelling: str, data: Any, tiny: Engine, tmp_path: Path, offline: None
) -> None:
    data(tmp_path)
    engine, named = replace(tiny, lm=Toy()), spelling.format(bundle=tmp_path)
    entry = lm_eval_name.benchmark(named, trusted=[str(tmp_path / "own_sums.yaml")])
    entry.validate(evaluation(tmp_path, limit=None))
    scores = [item.score for item in entry.score(engine, evaluation(tmp_path, limit=None)).items if item.score is not None]
    assert 0 < sum(scores) < len(scores)
    assert sum(scores) / len(scores) == pytest.approx(theirs(named, engine, tmp_path))


def test_what_is_asked_and_scored_is_read_from_the_task() -> None:
    entry = lm_eval_name.benchmark("lm-eval:triviaqa")
    assert (entry.metric, entry.filter, entry.generates, entry.shots, entry.chance) == ("exact_match", "remove_whitespace", True, 0, 0.0)
    assert (entry.parts, entry.dataset) == ((("triviaqa", "rc.nocontext"),), "mandarjoshi/trivia_qa")
    assert (entry.capability, entry.dimension, entry.higher_is_better) == ("other", "performance", True)
    normed = lm_eval_name.benchmark("lm-eval:arc_easy,metric=acc_norm")
    assert (normed.metric, normed.generates, normed.chance_from_options) == ("acc_norm", False, True)
    assert lm_eval_name.benchmark("lm-eval:gsm8k,filter=flexible-extract,shots=3").shots == 3
    assert lm_eval_name.benchmark("lm-eval:gsm8k").shots == 5


def test_a_group_is_the_pool_of_its_tasks() -> None:
    assert {configuration for _, configuration in lm_eval_name.benchmark("lm-eval:mmlu").parts} == set(SUBJECTS)
    entry = lm_eval_name.benchmark("lm-eval:mmlu_pro")
    assert len(entry.parts) == 14
    assert (entry.filter, entry.shots) == ("custom-extract", 5)
    assert {task for task, _ in lm_eval_name.benchmark("lm-eval:ai2_arc").parts} == {"arc_easy", "arc_challenge"}


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("lm-eval:arc_eazy", "no task, group or tag 'arc_eazy'. Did you mean 'arc_easy'"),
        ("lm-eval:", "names no task"),
        ("lm-eval:arc_easy,metric=f1", "has no metric 'f1'; expected acc, acc_norm"),
        ("lm-eval:arc_easy,colour=red", "'colour=red' is no setting of a task; expected metric=..., filter=..., shots=..."),
        ("lm-eval:arc_easy,shots=-1", "shots is '-1'; expected a whole number"),
        ("lm-eval:gsm8k,filter=none", "has no filter 'none'; expected strict-match, flexible-extract"),
        ("lm-eval:wikitext", "word_perplexity is aggregated over the whole set"),
        ("lm-eval:lambada_openai,metric=perplexity", "cannot be paired; expected metric=acc"),
        ("lm-eval:wmt16-en-de", "cannot be paired"),
        ("lm-eval:humaneval", "runs generated code; the benchmarks humaneval and mbpp do that in a sandbox"),
        ("lm-eval:niah_single_1", "makes its data while it runs"),
        ("lm-eval:squadv2", "is a Python class"),
        ("lm-eval:lambada,metric=acc", "and are not one benchmark; name its tasks"),
        ("lm-eval:/nowhere/own.yaml", "--unicomp-trust-task=/nowhere/own.yaml"),
    ],
)
def test_what_cannot_be_gated_is_refused_in_one_line(spelling: str, expected: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        lm_eval_name.benchmark(spelling)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_of_ones_own_needs_trust_and_is_not_run_before_it_has_it(tmp_path: Path) -> None:
    path = own(tmp_path)
    (tmp_path / "code.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    path.write_text(OWN + "process_docs: !function code.never\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match="may run code of its own"):
        lm_eval_name.benchmark(f"lm-eval:{path}")
    assert lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)]).metric == "exact_match"


@pytest.mark.parametrize(
    "text", ["[", "- 1\n", "task: x\n", "include: missing.yaml\n", "task: [a]\ndataset_path: x\n", "task: !!python/name:os.system\n"]
)
def test_a_file_that_is_no_task_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageProblem) as raised:
        lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("num_fewshot", "many"),
        ("num_fewshot", "[1]"),
        ("metric_list", "5"),
        ("filter_list", "3"),
        ("dataset_name", "[a]"),
        ("dataset_path", "{a: b}"),
        ("include", "5"),
        ("include", "[1]"),
    ],
)
def test_a_setting_of_a_wrong_type_is_one_line_that_names_it(tmp_path: Path, key: str, text: str) -> None:
    path = tmp_path / "own.yaml"
    settings = {"task": "own", "dataset_path": "own/sums", key: text}
    path.write_text("".join(f"{name}: {value}\n" for name, value in settings.items()), encoding="utf-8")
    with pytest.raises(UsageProblem, match=key) as raised:
        lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("other", ["task: own_sums\ndataset_path: x\n", "group: own_sums\ntask: [a]\n", "task: a\ntag: own_sums\n"])
@pytest.mark.parametrize("place", ["a.yaml", "below/z.yaml"])
def test_trust_in_one_file_is_none_in_another_of_the_same_name(tmp_path: Path, place: str, other: str) -> None:
    path = own(tmp_path)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("task: a\ndataset_path: x\n", encoding="utf-8")
    assert lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)]).metric == "exact_match"
    (tmp_path / place).write_text(f"{other}# changed\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match=f"{place} has the name 'own_sums' too"):
        lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)])


def test_a_file_that_lm_eval_would_not_find_is_refused(tmp_path: Path) -> None:
    path = own(tmp_path).rename(tmp_path / "own_sums.yml")
    with pytest.raises(UsageProblem, match=r"does not end in \.yaml"):
        lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)])


def test_a_changed_file_that_a_task_includes_changes_its_identity(tmp_path: Path) -> None:
    path = own(tmp_path)
    (tmp_path / "shared").mkdir()
    path.write_text(OWN + "include: shared/settings\n", encoding="utf-8")
    (tmp_path / "shared" / "settings").write_text("description: Add.\n", encoding="utf-8")
    before = lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)]).definition
    assert lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)]).definition == before
    (tmp_path / "shared" / "settings").write_text("description: Add carefully.\n", encoding="utf-8")
    assert lm_eval_name.benchmark(f"lm-eval:{path}", trusted=[str(path)]).definition != before


@given(st.text(max_size=30))
def test_any_spelling_is_a_name_or_one_line(text: str) -> None:
    try:
        said = lm_eval_name.TaskName.parse(f"lm-eval:{text}").task
    except UsageProblem as error:
        said = str(error)
    assert said
