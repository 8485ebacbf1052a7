"""The list of all messages: taken from the program, whole, and with something to do for each."""

from __future__ import annotations

import pytest

from docs import navigation
from docs.tools.messages import message_sections, messages
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.resolve import resolve


def test_a_message_that_is_raised_is_in_the_list_in_its_own_words():
    with pytest.raises(UsageProblem) as raised:
        resolve({"model": "nano", "margin": "no"})
    said = str(raised.value)
    found = [one for one in messages() if all(part.strip() in said for part in one.found.split("…")) and one.found.strip("… ")]
    assert found, said
    assert any(one.exit_code == "4" and one.remedy for one in found)


def test_each_row_says_what_to_do_and_is_one_line_of_four_cells():
    rows = [line for line in message_sections().splitlines() if line.startswith("| ") and not line.startswith(("| it says", "| ---"))]
    assert len(rows) > 300
    for row in rows:
        cells = row.strip("|").replace("\\|", "").split("|")
        assert len(cells) == 4, row
        assert all(cell.strip() for cell in cells), row
    assert not [row for row in rows if row.startswith(("| unicomp:", "|  |"))]


def test_the_site_puts_the_list_on_the_page_on_trouble():
    page = navigation.on_page_markdown("before\n\n<!-- messages -->\n")
    assert "### config" in page
    assert "<!-- messages -->" not in page
    assert navigation.on_page_markdown("nothing of the kind") == "nothing of the kind"
