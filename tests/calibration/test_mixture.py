from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import ItemText
from pytest_unicomp.api.records import Model
from pytest_unicomp.calibration import mixture
from pytest_unicomp.checkpoints import hub
from tests.methods.tiny import checkpoint, save_tokenizer


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that is not nano: only its tokenizer and its configuration are read."""
    folder = checkpoint(tmp_path_factory.mktemp("models") / "llama", layers=1, max_position_embeddings=64)
    return Model(name="some/model", path=str(folder), fingerprint="0" * 64, parameters=1, bytes=1)


def write(file: Path, rows: Sequence[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def card(folder: Path, configuration: str, split: str = "train") -> None:
    files = f"data_files:\n  - split: {split}\n    path: {configuration}/{split}.jsonl"
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: {configuration}\n  {files}\n---\n")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ARC-Easy, GSM8K and WikiText-2 in hub layout, made up; no MATH, no C4."""
    root = tmp_path_factory.mktemp("bundle")
    for repository, configuration, rows in (
        ("allenai/ai2_arc", "ARC-Easy", [{"question": f"arc {n}?", "answerKey": "A"} for n in range(300)]),
        ("openai/gsm8k", "main", [{"question": f"gsm {n}?", "answer": f"secret {n}"} for n in range(300)]),
    ):
        write(root / repository / configuration / "train.jsonl", rows)
        card(root / repository, configuration)
    wikitext = root / "Salesforce" / "wikitext"
    write(wikitext / "wikitext-2-v1" / "validation.jsonl", [{"text": f"line {n} of some article"} for n in range(400)])
    card(wikitext, "wikitext-2-v1", "validation")
    return root


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


def test_text_longer_than_the_model_s_context_is_refused(model: Model, bundle: Path) -> None:
    with pytest.raises(UsageProblem, match="--unicomp-calibration-tokens=65 is longer than the context of some/model, 64 tokens"):
        mixture.build("generic", model=model, seed=0, bundle=bundle, tokens=65)


def test_too_little_text_is_refused(model: Model, bundle: Path) -> None:
    with pytest.raises(UsageProblem, match="2 x 40 tokens of calibration text were asked for, expected at least 256"):
        mixture.build("generic", model=model, seed=0, bundle=bundle, samples=2, tokens=40)


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
    with pytest.raises(UsageProblem, match=r"gives away 1 questions that this run asks .*toy q7: .*leave out the benchmarks toy"):
        mixture.build(str(file), model=model, seed=0, bundle=None, samples=40, asked=[("toy", [ItemText("q7", secret)])])


def test_the_limit_per_document_follows_the_model_s_context(model: Model, bundle: Path) -> None:
    assert mixture.build("reasoning", model=model, seed=0, bundle=bundle, samples=4).tokens == 64


def test_a_file_may_hold_text_prompts_and_messages(model: Model, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    rest = [{"text": f"line {n} of the rest"} for n in range(20)]
    file = write(tmp_path / "own.jsonl", [{"text": "plain"}, {"prompt": "Why?"}, {"messages": turns}, *rest])
    found = mixture.build(str(file), model=model, seed=0, bundle=None, form="own")
    assert {"plain", "user: Hi\nassistant: Yes?\n", "user: Why?\n"} < set(found.texts)
    assert found.record.samples == 23


def test_a_model_without_a_chat_template_gets_the_plain_words(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    save_tokenizer(folder, template=None)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "model_type": "llama"}))
    file = write(tmp_path / "own.jsonl", [{"prompt": f"Why {n}? " * 60} for n in range(4)])
    own = mixture.build(str(file), model=model.model_copy(update={"path": str(folder)}), seed=0, bundle=None, samples=4)
    assert all(set(text.split()) <= {"Why", "Wh", "W", *(f"{n}{mark}" for n in range(4) for mark in ("", "?"))} for text in own.texts)


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"text": "fine"}\nnot json\n', "line 2 .* is not JSON"),
        ('{"text": "fine"}\n\n{"txt": 1}\n', 'line 3 .* holds no "text"'),
        ('{"text": ""}\n', 'line 1 .* holds no "text"'),
        ('{"messages": [{"role": "user"}]}\n', 'line 1 .* holds no "text"'),
        ("[1]\n", 'line 1 .* holds no "text"'),
    ],
)
def test_a_file_with_a_bad_line_is_refused_with_its_number(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(content)
    with pytest.raises(UsageProblem, match=message):
        mixture.validate(str(file), None, "some/model")


def test_a_bundle_without_the_data_names_the_folder_and_the_ways_out(tmp_path: Path) -> None:
    folder = tmp_path / "HuggingFaceH4" / "ultrachat_200k"
    with pytest.raises(UsageProblem, match=f"needs {folder}.*choose another mixture, give a FILE.jsonl"):
        mixture.validate("instruction", tmp_path, "some/model")
    for name in ("generic", "reasoning", "multilingual"):
        with pytest.raises(UsageProblem, match="which the bundle lacks"):
            mixture.validate(name, tmp_path, "some/model")
        mixture.validate(name, tmp_path, "nano")


def test_the_real_bundle_serves_reasoning_offline(model: Model, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = mixture.build("reasoning", model=model, seed=0, bundle=shared / "hub", samples=20)
    assert found.record.samples == 20
