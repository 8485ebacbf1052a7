from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks import items
from pytest_unicomp.benchmarks.items import ItemText
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.calibrate import CalibrationSet
from pytest_unicomp.store.local import Store
from tests.toys import reference

LEAK = "seven grey cats sat on the wall and looked at the moon all night"


def settings() -> Settings:
    return resolve({"model": "nano", "seed": 7, "calibration_samples": 4}, {})


def chosen(specification: str, store: Path) -> CalibrationSet:
    evaluation = Evaluation(limit=3, seed=7, bundle=None, device="cpu", dtype="float32")
    return CalibrationSet(
        specification, settings(), reference(), {name: benchmarks()[name] for name in ("nano-knowledge", "bytes")}, evaluation, Store(store)
    )


@pytest.fixture
def lines(tmp_path: Path) -> str:
    file = tmp_path / "own.jsonl"
    rows = [f'{{"text": "line {n} of a file that says nothing much about anything at all"}}' for n in range(60)]
    file.write_text("\n".join([*rows, f'{{"text": "{LEAK}"}}']), encoding="utf-8")
    return str(file)


def test_more_texts_of_the_same_set_are_drawn_by_the_method_that_needs_them(tmp_path: Path) -> None:
    found = chosen("reasoning", tmp_path).draw()
    assert found.more is not None
    assert found.more(8).record.samples > found.record.samples


def test_a_smaller_default_for_a_large_model_on_a_cpu_is_recorded_with_the_text(
    lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "questions", lambda names, evaluation: [])
    evaluation = Evaluation(limit=3, seed=7, bundle=None, device="cpu", dtype="float32")
    large = reference().model_copy(update={"name": "org/name", "parameters": 135_000_000})
    drawn = CalibrationSet(lines, resolve({"model": "org/name"}, {}), large, {}, evaluation, Store(tmp_path / "store"))
    assert "because 135 million weights are calibrated on a CPU" in drawn.draw().record.mixture
    assert drawn.identity()["samples"] < 128


def test_the_identity_is_kept_and_changes_with_the_amount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = chosen("reasoning", tmp_path).identity()
    again = chosen("reasoning", tmp_path)
    monkeypatch.setattr(again, "draw", lambda: pytest.fail("the store has the result"))
    assert again.identity() == first
    assert "without" not in first


def test_a_file_that_gives_a_question_of_the_run_away_is_refused_when_its_identity_is_needed(
    lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "questions", lambda names, evaluation: [(next(iter(names)), [ItemText("q1", LEAK)])])
    with pytest.raises(UsageProblem, match="gives away 1 questions of this run"):
        chosen(lines, tmp_path / "store").identity()
