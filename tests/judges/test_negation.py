"""A word is affirmed, denied or left open by the words around it."""

import pytest

from pytest_unicomp.judges.negation import plain, status


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it is wrong", "affirmed"),
        ("it is not wrong", "denied"),
        ("it isn't really wrong", "denied"),
        ("it is not only wrong", "affirmed"),
        ("no doubt wrong", "affirmed"),
        ("I don't think that this action is wrong", "denied"),
        ("Not telling them is wrong", "affirmed"),
        ("whether it is wrong", "open"),
        ("wrong?", "open"),
        ("I cannot lie; it is wrong", "affirmed"),
    ],
)
def test_the_words_around_it_decide(text, expected):
    start = text.index("wrong")
    assert status(text, start, start + len("wrong")) == expected


def test_plain_text_has_no_emphasis_and_one_kind_of_apostrophe():
    assert plain("**It** isn’t _so_ `here`") == "It isn't so here"
