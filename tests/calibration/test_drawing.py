from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Model
from pytest_unicomp.benchmarks.items import ItemText
from pytest_unicomp.calibration import mixture
from tests.calibration.toy_bundle import card, write


def test_a_named_mixture_replaces_what_gives_questions_away_and_says_so(model: Model, tmp_path: Path) -> None:
    sentences = [f"alpha{n} beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi{n}" for n in range(60)]
    root = tmp_path / "bundle"
    for repository, configuration in (("allenai/ai2_arc", "ARC-Easy"), ("openai/gsm8k", "main")):
        write(root / repository / configuration / "train.jsonl", [{"question": text, "answerKey": "A", "answer": ""} for text in sentences])
        card(root / repository, configuration)
    asked = [("toy", [ItemText(str(n), sentences[n].upper()) for n in range(5)])]
    found = mixture.build("reasoning", model=model, seed=0, bundle=root, samples=110, form="own", asked=asked)
    assert not any(f"alpha{n} " in text for text in found.texts for n in range(5))
    assert found.record.left_out == 5
    assert "without 5 texts that share 13 words in a row with questions of toy" in found.record.mixture
    assert found.record.samples == 110


def test_the_user_s_own_file_is_refused_where_it_gives_questions_away(model: Model, tmp_path: Path) -> None:
    secret = "the quick brown fox jumps over the lazy dog while nobody is looking at all"
    file = write(tmp_path / "own.jsonl", [{"text": f"harmless line {n} of many that say nothing"} for n in range(30)] + [{"text": secret}])
    with pytest.raises(UsageProblem, match=r"gives away 1 questions of this run .*toy q7: .*leave out the benchmarks toy"):
        mixture.build(str(file), model=model, seed=0, bundle=None, samples=40, asked=[("toy", [ItemText("q7", secret)])])
