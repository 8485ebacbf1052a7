from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.api.records import CalibrationText
from pytest_unicomp.api.registry import methods
from pytest_unicomp.methods.tokens import encode
from tests.methods.tiny import calibration, checkpoint, contents, run

CALIBRATED = ("wanda-50", "wanda-2of4", "gptq-w4a16", "minitron-depth")


def texts(*documents: str, tokens: int = 64) -> Calibration:
    record = CalibrationText(mixture="test", samples=len(documents), tokens=tokens, seed=0, digest="0" * 64)
    return Calibration(documents, tokens, record)


def test_every_recipe_names_its_settings_as_json_values() -> None:
    for name, method in methods().items():
        assert json.loads(json.dumps(method.settings())) == method.settings(), name
        assert name.startswith(method.method.split("-")[0])
    assert {name for name, method in methods().items() if method.calibrated} >= set(CALIBRATED)


def test_dense_is_the_reference_file_by_file(llama: Path, tmp_path: Path) -> None:
    assert contents(run("dense", llama, tmp_path / "out")) == contents(llama)


@pytest.mark.parametrize("recipe", ["magnitude-50", "rtn-w4a16", "wanda-50"])
def test_tokenizer_template_and_generation_settings_come_along_byte_for_byte(recipe: str, llama: Path, tmp_path: Path) -> None:
    before, after = contents(llama), contents(run(recipe, llama, tmp_path / "out", calibration()))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        assert after[name] == before[name], name


@pytest.mark.parametrize("recipe", CALIBRATED)
def test_a_calibrated_recipe_without_text_says_so(recipe: str, llama: Path, tmp_path: Path) -> None:
    for number, nothing in enumerate((None, texts())):
        with pytest.raises(UnicompError, match="needs calibration text and got none"):
            run(recipe, llama, tmp_path / str(number), nothing)


def test_text_that_is_too_short_is_refused_with_its_length(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UnicompError, match="text of 10 tokens in 3 documents, expected at least 256"):
        run("gptq-w4a16", llama, tmp_path / "out", texts("hello", "hello", "x"))


def test_documents_longer_than_the_context_are_refused(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UnicompError, match="up to 1000 tokens, but the model's context is 256"):
        run("wanda-50", llama, tmp_path / "out", texts("a" * 2000, tokens=1000))


def test_documents_are_cut_to_the_limit_and_keep_their_order(llama: Path) -> None:
    lengths = [ids.shape[1] for ids in encode(llama, texts("a" * 300, "b" * 40, "c" * 64, "d" * 200, tokens=100), recipe="test")]
    assert lengths == [100, 40, 64, 100]


def test_nothing_reaches_the_terminal_or_the_working_folder(
    llama: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "cwd"
    here.mkdir()
    monkeypatch.chdir(here)
    for recipe in ("wanda-50", "gptq-w4a16", "rtn-w4a16", "magnitude-50"):
        run(recipe, llama, tmp_path / recipe, calibration())
    assert capfd.readouterr() == ("", "")
    assert list(here.iterdir()) == []


def test_a_model_without_a_linear_layer_in_its_blocks_is_refused(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", "gpt2", n_embd=128, n_head=4, n_layer=2, n_positions=256)
    with pytest.raises(UnicompError, match="hold no Linear layer"):
        run("magnitude-50", source, tmp_path / "out")
