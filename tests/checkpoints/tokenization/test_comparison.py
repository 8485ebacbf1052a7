"""Two tokenizers are tried in a process of their own: what it finds, and what becomes of it if it never ends or cannot start."""

import json
import shutil

import pytest

from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.checkpoints.tokenization import comparison
from pytest_unicomp.checkpoints.tokenization.comparison import compare_tokenizers


@pytest.fixture
def changed(tmp_path):
    def copy(change):
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "config.json"):
            shutil.copyfile(NANO / name, tmp_path / name)
        content = json.loads((tmp_path / "tokenizer.json").read_text())
        change(content)
        (tmp_path / "tokenizer.json").write_text(json.dumps(content))
        return tmp_path

    return copy


def test_added_tokens_that_swallow_line_ends_are_shown_as_text_and_tokens(changed):
    def strip(content):
        for token in content["added_tokens"]:
            token["lstrip"] = token["rstrip"] = token["content"] == "<|user|>"

    found = compare_tokenizers(changed(strip), NANO)
    (problem,) = found.problems
    assert "<|user|>" in problem
    assert "becomes" in problem
    assert f"of {found.probes} probes differ" in problem


def test_words_that_merges_split_are_found(changed):
    # With ignore_merges an entry of the vocabulary is one token even if no merge leads to it.
    def lose_a_merge(content):
        content["model"]["merges"] = content["model"]["merges"][:-40]

    assert "probes differ" in compare_tokenizers(changed(lose_a_merge), NANO).problems[0]


def test_a_token_put_before_every_text_is_found(changed):
    def begin(content):
        content["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [1], "tokens": ["<|begin|>"]}},
        }

    assert "'' becomes ['<|begin|>']" in compare_tokenizers(changed(begin), NANO).problems[0]


def test_a_token_that_is_no_longer_special_stays_in_replies(changed):
    def plain(content):
        for token in content["added_tokens"]:
            token["special"] = token["special"] and token["content"] != "<|system|>"

    folder = changed(plain)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["extra_special_tokens"].remove("<|system|>")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert "text without special tokens" in compare_tokenizers(folder, NANO).problems[0]


def test_equal_tokenizers_have_no_problem_and_name_their_special_tokens(changed):
    found = compare_tokenizers(changed(lambda content: None), NANO)
    assert (found.problems, found.reason) == ((), "")
    assert found.probes > 2000
    assert dict(found.mine)["eos_token"] == dict(found.theirs)["eos_token"] == "<|end|>"


def test_a_tokenizer_that_cannot_be_loaded_is_a_problem_and_a_base_s_is_a_reason(changed):
    folder = changed(lambda content: content.pop("model"))
    assert compare_tokenizers(folder, NANO).problems[0].startswith("transformers cannot load it: ")
    assert compare_tokenizers(NANO, folder).reason.startswith("transformers cannot load the base's tokenizer: ")


def test_a_tokenizer_that_never_ends_is_stopped(changed):
    found = compare_tokenizers(changed(lambda content: None), NANO, seconds=0.05)
    assert found.problems == ("the tokenizer has not encoded the probes within 0.05 s",)


def test_a_tokenizer_that_takes_all_memory_takes_none_of_ours(changed, monkeypatch):
    monkeypatch.setattr(comparison, "BYTES", 2**26)
    (problem,) = compare_tokenizers(changed(lambda content: None), NANO).problems
    assert problem.startswith("the tokenizer could not be tried (exit ")
