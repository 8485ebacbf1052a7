"""Labels are found with their status: affirmed, denied, or offered side by side."""

import pytest

from pytest_unicomp.judges.mentions import mentions

LABELS = {"A": "a", "B": "b"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("B", [("B", "affirmed")]),
        ("The answer is not B", [("B", "denied")]),
        ("Is it A or B", [("A", "open"), ("B", "open")]),
        ("A, not B", [("A", "affirmed"), ("B", "denied")]),
        ("B is wrong, so A", [("B", "denied"), ("A", "affirmed")]),
        ("答案是B", [("B", "affirmed")]),
        ("about bees", []),
        ("", []),
    ],
)
def test_each_mention_has_its_status(text, found):
    assert [(mention.label, mention.status) for mention in mentions(text, LABELS)] == found


def test_a_mention_names_its_place():
    text = "so B it is"
    (mention,) = mentions(text, LABELS)
    assert text[mention.start : mention.end] == "B"
