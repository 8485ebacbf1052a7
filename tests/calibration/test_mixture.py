from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Model
from pytest_unicomp.calibration import mixture
from pytest_unicomp.checkpoints import hub
from tests.calibration.toy_bundle import write


def test_reasoning_takes_equal_parts_of_what_the_bundle_has_and_names_what_it_lacks(model: Model, bundle: Path) -> None:
    found = mixture.build("reasoning", model=model, seed=0, bundle=bundle, samples=31, form="own")
    kinds = [text.split()[1] for text in found.texts]
    assert sorted((kinds.count("arc"), kinds.count("gsm"))) == [15, 16]
    assert "without MATH" in found.record.mixture


def test_reasoning_gives_questions_as_user_turns_without_answers(model: Model, bundle: Path) -> None:
    for text in mixture.build("reasoning", model=model, seed=0, bundle=bundle, samples=20).texts:
        assert text.startswith("user: ")
        assert "secret" not in text


def test_generic_falls_back_to_wikitext_windows_of_exactly_the_length_asked_for_and_says_so(model: Model, bundle: Path) -> None:
    found = mixture.build("generic", model=model, seed=0, bundle=bundle, samples=8, tokens=40)
    assert [len(text) for text in found.texts] == [40] * 8  # one token per byte
    assert len(set(found.texts)) == 8
    assert "wikitext-2-v1 validation in place of C4" in found.record.mixture


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(model: Model, bundle: Path) -> None:
    first, again, other = (
        mixture.build("generic=.5,reasoning=.5", model=model, seed=seed, bundle=bundle, samples=8, tokens=40) for seed in (3, 3, 4)
    )
    assert first == again
    assert first.texts != other.texts
    assert first.record.digest == hashlib.sha256(b"".join(text.encode() + b"\0" for text in first.texts)).hexdigest()


@pytest.mark.parametrize(
    ("specification", "reasoning"), [("generic=.5,reasoning=.5", 20), ("generic=3,reasoning=1", 10), ("reasoning=1", 40)]
)
@pytest.mark.parametrize("form", ["equal", "own"])
def test_weights_are_shares_of_the_samples(specification: str, reasoning: int, form: Any, model: Model, bundle: Path) -> None:
    found = mixture.build(specification, model=model, seed=0, bundle=bundle, samples=40, tokens=40, form=form)
    assert sum("arc" in text or "gsm" in text for text in found.texts) == reasoning
    assert found.record.samples == 40


@pytest.mark.parametrize("specification", ["generic", "reasoning", "generic=1,reasoning=2"])
def test_every_mixture_gives_the_same_number_of_texts_of_the_same_length_in_the_same_template(
    specification: str, model: Model, bundle: Path
) -> None:
    found = mixture.build(specification, model=model, seed=0, bundle=bundle, samples=8, tokens=50)
    assert [len(text) for text in found.texts] == [50] * 8  # one token per byte
    assert all(text.startswith("user: ") for text in found.texts)
    assert (found.record.tokens_seen, found.record.form) == (400, "equal")


def test_in_its_own_form_each_source_keeps_its_texts_and_its_template(model: Model, bundle: Path) -> None:
    questions = mixture.build("reasoning", model=model, seed=0, bundle=bundle, samples=40, form="own")
    assert all(text.count("user: ") == 1 and text.count("?") == 1 for text in questions.texts)
    documents = mixture.build("generic", model=model, seed=0, bundle=bundle, samples=8, form="own")
    assert not any(text.startswith("user: ") for text in documents.texts)


def test_the_embedded_model_calibrates_on_conversations_of_its_own_world_one_by_one(model: Model) -> None:
    nano = model.model_copy(update={"name": "nano", "path": str(hub.resolve("nano", None))})
    found = mixture.build("reasoning", model=nano, seed=0, bundle=None, samples=6, tokens=200)
    assert len(found.texts) == len(set(found.texts)) > 6
    assert all(text.count("<|begin|>") == 1 and "####" in text for text in found.texts)
    assert 1100 <= (found.record.tokens_seen or 0) <= 1200
    assert found == mixture.build("reasoning", model=nano, seed=0, bundle=None, samples=6, tokens=200)
    assert mixture.build("instruction", model=nano, seed=0, bundle=None).tokens == 256


def test_identity_changes_with_shares_and_with_the_contents_of_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl", [{"text": "one"}])
    before = mixture.identity(str(file), None)
    write(file, [{"text": "two"}])
    assert mixture.identity(str(file), None) != before
    assert mixture.identity("generic=1,reasoning=1", None) == mixture.identity("generic=.5,reasoning=.5", None)
    assert mixture.identity("generic=1,reasoning=2", None) != mixture.identity("generic=1,reasoning=1", None)


@pytest.mark.parametrize(
    ("specification", "place"),
    [
        ("reasoning", "openai/gsm8k/main/train.jsonl"),
        ("generic", "allenai/c4/en/c4-train.00000-of-01024.json.gz"),
        ("generic", "Salesforce/wikitext/wikitext-2-v1/validation.jsonl"),
        ("multilingual", "juletxara/mgsm/de/train.jsonl"),
        ("instruction=1,reasoning=1", "HuggingFaceH4/ultrachat_200k/data/train_sft.jsonl"),
    ],
)
def test_identity_changes_with_the_contents_of_the_bundle(tmp_path: Path, specification: str, place: str) -> None:
    file = write(tmp_path / place, [{"text": "one"}])
    before = mixture.identity(specification, tmp_path)
    assert mixture.identity(specification, tmp_path) == before
    write(file, [{"text": "other"}])
    assert mixture.identity(specification, tmp_path) != before


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("gneric", "no calibration mixture named 'gneric'.*Did you mean 'generic'"),
        ("generic=x", "weight 'x'; expected a positive number"),
        ("generic=-1,reasoning=1", "weight '-1'"),
        ("generic=nan", "weight 'nan'"),
        ("generic,reasoning=.5", "gives 'generic' no weight"),
        ("generic=.5,generic=.5", "names 'generic' twice"),
        ("nowhere.jsonl", r"nowhere\.jsonl cannot be read"),
        ("", "no calibration mixture named ''"),
    ],
)
def test_a_wrong_specification_is_one_clear_line(specification: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message) as caught:
        mixture.validate(specification, None, "some/model")
    assert "\n" not in str(caught.value)


def test_the_real_bundle_serves_reasoning_offline(model: Model, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = mixture.build("reasoning", model=model, seed=0, bundle=shared / "hub", samples=20)
    assert found.record.samples == 20
