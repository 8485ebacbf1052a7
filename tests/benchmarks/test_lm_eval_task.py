"""lm-eval's tasks are put as lm-eval puts them: the same items with any limit, subjects as clusters, shots and generation as stated."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.benchmarks.performance import arc, gsm8k, mmlu, wikitext
from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import canned, evaluation


def test_two_runs_offline_give_the_same_evidence_and_a_larger_limit_begins_with_it(
    tiny: Engine, hub: Path, offline: None, capfd: pytest.CaptureFixture[str]
) -> None:
    benchmark = arc.BENCHMARKS["arc_challenge"]
    first, second = (benchmark.score(tiny, evaluation(hub)) for _ in range(2))
    larger = benchmark.score(tiny, evaluation(hub, limit=12))
    assert first == second
    assert [item.id for item in larger.items[:8]] == [item.id for item in first.items]
    assert first.chance == pytest.approx(0.25, abs=0.03)
    assert capfd.readouterr() == ("", "")


def test_mmlu_pools_all_of_lm_evals_subjects_and_names_the_subject_as_the_cluster(tiny: Engine, hub: Path) -> None:
    from lm_eval import tasks

    upstream = tasks.TaskManager(include_path=str(Path(tasks.__file__).parent / "mmlu/default"), include_defaults=False).all_subtasks
    assert sorted(task for task, _ in mmlu.BENCHMARKS["mmlu"].parts) == upstream
    scored = mmlu.BENCHMARKS["mmlu"].score(canned(tiny, str), evaluation(hub, limit=400))
    assert len({item.cluster for item in scored.items}) > 40
    assert all(item.id.rsplit("/", 1)[0] == f"mmlu_{item.cluster}" for item in scored.items)
    assert scored.chance == 0.25
    assert {item.answer for item in scored.items} == {"A"}
    assert 0.15 < sum(item.score or 0 for item in scored.items) / len(scored.items) < 0.35


def test_gsm8k_states_its_shots_and_how_it_generates(tiny: Engine, hub: Path) -> None:
    scored = gsm8k.BENCHMARKS["gsm8k"].score(canned(tiny, lambda prompt: "#### 3"), evaluation(hub))
    assert gsm8k.BENCHMARKS["gsm8k"].shots == 5
    assert scored.generation["do_sample"] is False
    assert "Question:" in scored.generation["until"]
    assert scored.chance == 0.0


@pytest.mark.parametrize(
    "entry", [arc.BENCHMARKS["arc_easy"], gsm8k.BENCHMARKS["gsm8k"], mmlu.BENCHMARKS["mmlu"], *wikitext.BENCHMARKS.values()]
)
def test_a_bundle_without_the_data_is_refused_before_anything_runs(entry: arc.LmEvalTask, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="which is not there"):
        entry.validate(evaluation(tmp_path))
