"""The probe texts hold what tokenizers are known to differ in."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.checkpoints.tokenization.probes import CHATS, MOST_ADDED, MOST_WORDS, chats, texts


def test_every_added_token_stands_alone_and_beside_spaces_and_line_ends():
    found = set(texts(["<|user|>"], []))
    assert {"<|user|>", " <|user|> ", "x\n<|user|>\ny", "x<|user|>y"} <= found


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_large_vocabularies_are_probed_evenly_and_within_bounds(added, words):
    fixed = len(list(texts([], [])))
    found = list(texts([f"<{number}>" for number in range(added)], [f"word{number}" for number in range(words)]))
    assert len(found) == fixed + 7 * min(added, MOST_ADDED) + 2 * min(words, MOST_WORDS)
    if words:
        assert "word0" in found


class Refusing:
    chat_template = "{{ messages }}"

    def apply_chat_template(self, messages, **_):
        if messages[0]["role"] == "system":
            raise ValueError("no system messages")
        return messages[-1]["content"]


def test_a_template_that_refuses_a_chat_is_probed_by_its_refusal():
    rendered = list(chats(Refusing()))
    assert len(rendered) == len(CHATS)
    assert "(refused: ValueError: no system messages)" in rendered
