"""What a command or an argument names beside the checkpoint has an identity of its own: by its content if that is here, else for one run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_unicomp.config.backend import SERVER
from pytest_unicomp.config.evaluated_by import EvaluatedBy
from pytest_unicomp.engine.serving import build
from pytest_unicomp.run.named_content import _of_command, named_content
from pytest_unicomp.store.file_digests import file_digest
from tests.toys import artifact

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def found(folder: Path, *, serve: str | None = None, backend: str = SERVER) -> dict[str, str]:
    """Return what is named, as a new process finds it."""
    _of_command.cache_clear()
    return named_content(EvaluatedBy(backend, serve, "UNICOMP_API_KEY", "--unicomp-serve"), artifact(str(folder)), file_digest)


@pytest.fixture
def draft(tmp_path):
    """A folder with a draft model, beside the one that is served."""
    made = tmp_path / "draft"
    made.mkdir()
    (made / "config.json").write_text("{}")
    return made


@pytest.mark.parametrize("words", ["--model {}", "--draft={}", "--lora-modules one={}", "env DRAFT={} vllm", "--file {}/config.json"])
def test_a_file_or_folder_in_a_word_of_a_command_is_found_and_a_change_of_it_too(tmp_path, draft, words):
    command = f"vllm serve {{model}} --port {{port}} {words.format(draft)}"
    [(name, first)] = found(tmp_path / "out", serve=command).items()
    assert str(draft) in name
    (draft / "config.json").write_text("{ }")
    assert found(tmp_path / "out", serve=command) != {name: first}


def test_a_path_inside_json_is_found(tmp_path, draft):
    settings = json.dumps({"speculative": [{"model": str(draft), "tokens": 3}]})
    assert len(found(tmp_path / "out", serve=f"vllm serve {{model}} --port {{port}} --config '{settings}'")) == 1


def test_the_checkpoint_itself_is_not_named_again_but_a_file_inside_it_is(tmp_path):
    (tmp_path / "chat.jinja").write_text("text")
    plain = "vllm serve {model} --tokenizer {unpacked} --port {port} --dtype float32 --limits '{\"image\": 0}' '{not json'"
    assert found(tmp_path, serve=plain) == {}
    assert list(found(tmp_path, serve=f"{plain} --chat-template {{model}}/chat.jinja")) == ["{model}/chat.jinja"]


def test_of_a_folder_only_its_own_files_are_read(tmp_path, draft):
    (draft / "deep").mkdir()
    (draft / "deep" / "weights").write_text("one")
    command = f"vllm serve {{model}} --port {{port}} --download-dir {draft}"
    before = found(tmp_path / "out", serve=command)
    (draft / "deep" / "weights").write_text("another")
    assert found(tmp_path / "out", serve=command) == before
    os.utime(draft / "config.json", (1, 1))
    assert found(tmp_path / "out", serve=command) != before


@pytest.mark.parametrize(
    "arguments",
    [
        "pretrained=gpt2",
        "pretrained=org/name",
        "pretrained=org/name,revision=main",
        f"tokenizer=org/name,revision={COMMIT}",
        "adapter=org/name",
        "base_url=http://127.0.0.1:8000/v1/completions",
    ],
)
def test_what_may_be_another_thing_tomorrow_is_known_for_this_run_alone(tmp_path, monkeypatch, arguments):
    first = found(tmp_path, backend=f"lm-eval:hf,{arguments}")
    assert len(first) == 1
    build.run_identity.cache_clear()
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)
    assert found(tmp_path, backend=f"lm-eval:hf,{arguments}") != first


@pytest.mark.parametrize("arguments", [f"pretrained=org/name,revision={COMMIT}", "dtype=float32,batch_size=8", "pretrained={model}", ""])
def test_a_commit_a_setting_and_the_checkpoint_need_no_identity(tmp_path, arguments):
    assert found(tmp_path, backend=f"lm-eval:hf,{arguments}".rstrip(",")) == {}


def test_this_engine_names_nothing(tmp_path):
    assert found(tmp_path, backend="hf") == {}
