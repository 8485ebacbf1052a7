"""SmolLM2-135M by name: the file of its package, unpacked once, compressed, and asked real questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.checkpoints import hub as checkpoints
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run import adopt
from pytest_unicomp.run.run import Run
from pytest_unicomp.store.local import Store

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def test_the_name_is_the_packaged_file_and_it_is_unpacked_once(smollm2, store):
    steps: list[str] = []
    found = [adopt.reference("smollm2", None, Store(store), lambda step: steps.append(step.stage)) for _ in range(2)]
    assert steps == ["convert"]
    assert found[0] == found[1]
    assert found[0].original is not None
    assert found[0].original["path"] == str(smollm2) == str(checkpoints.resolve("smollm2", None))
    assert found[0].bytes == smollm2.stat().st_size
    assert 130e6 < found[0].parameters < 140e6
    assert 4.5 < found[0].original["bits_per_weight"] < 6.5


def test_eight_bits_keep_its_answers_to_real_questions_and_three_bits_do_not(smollm2, store, hub):
    words = {"model": "smollm2", "recipe": ["rtn-w8a16,rtn-w3a16"], "benchmark": ["arc_easy"], "limit": 32}
    run = Run(resolve({**words, "bundle": str(hub), "cache": str(store)}, {}))
    answers = {name: [item.answer for item in run.measurement(name, "arc_easy").items] for name in ("rtn-w8a16", "rtn-w3a16")}
    reference = run.reference("arc_easy")
    assert reference.value is not None
    assert reference.value > 0.35
    changed = {name: sum(a != item.answer for a, item in zip(given, reference.items, strict=True)) for name, given in answers.items()}
    assert changed["rtn-w8a16"] <= 2
    assert changed["rtn-w3a16"] > 5
    run.close()
