"""Rendered prompts are stored under everything that shapes them; a chat template is named by its content."""

from types import SimpleNamespace

import pytest

from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.prompts import PromptCache, chat_template_digest
from pytest_unicomp.store.local import Store


def tokenizer(template="{{ messages }}", **special):
    return SimpleNamespace(chat_template=template, special_tokens_map=special)


def test_stored_prompts_are_found_again(tmp_path):
    PromptCache(Store(tmp_path), "task", {}, tokenizer()).put({3: "three", 7: "seven"})
    cache = PromptCache(Store(tmp_path), "task", {}, tokenizer())
    assert cache.get([7, 3]) == {7: "seven", 3: "three"}
    assert cache.get([3, 4]) is None
    cache.put({4: "four"})
    assert PromptCache(Store(tmp_path), "task", {}, tokenizer()).get([3, 4]) == {3: "three", 4: "four"}


@pytest.mark.parametrize(
    "other",
    [
        ("other", {}, tokenizer()),
        ("task", {"shots": 5}, tokenizer()),
        ("task", {}, tokenizer("{{ x }}")),
        ("task", {}, tokenizer(bos="<s>")),
    ],
)
def test_prompts_of_another_task_identity_or_tokenizer_are_not_used(tmp_path, other):
    PromptCache(Store(tmp_path), "task", {}, tokenizer()).put({3: "three"})
    assert PromptCache(Store(tmp_path), *other).get([3]) is None


def test_prompts_of_other_library_versions_are_not_used(tmp_path, monkeypatch):
    PromptCache(Store(tmp_path), "task", {}, tokenizer()).put({3: "three"})
    monkeypatch.setattr(host, "versions", lambda: {"lm-eval": "0"})
    assert PromptCache(Store(tmp_path), "task", {}, tokenizer()).get([3]) is None


def test_prompts_that_are_not_text_are_not_stored(tmp_path):
    cache = PromptCache(Store(tmp_path), "task", {}, tokenizer())
    cache.put({1: "text", 2: 0})
    assert cache.get([1]) == {1: "text"}
    assert cache.get([2]) is None


def test_without_a_store_prompts_are_kept_in_memory():
    cache = PromptCache(None, "task", {}, tokenizer())
    cache.put({1: "text"})
    assert cache.get([1]) == {1: "text"}


def test_a_chat_template_has_the_digest_of_its_text():
    assert chat_template_digest(tokenizer(None)) == "none"
    assert chat_template_digest(tokenizer("abc")) == "ba7816bf8f01cfea"
