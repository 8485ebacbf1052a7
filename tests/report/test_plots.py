"""Marks of a drawing."""

from __future__ import annotations

import re

import pytest

from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report.plots import Sheet
from tests.report.toy_radar import drawn


def test_a_plot_carries_no_style_no_foreign_id_and_no_markup_of_a_name() -> None:
    found = drawn(dict.fromkeys(SCORES, 90.0), name="<script>$x$</script>")
    assert not re.search(r"style=|<script|<use|href|<style|<defs", found.plot)
    assert re.findall(r'id="([^"]+)"', found.plot) == ["radar-1-title", "radar-1-text"]
    assert "&lt;script&gt;$x$&lt;/script&gt;" in found.plot


@pytest.mark.parametrize("name", ["$\\frac{1}{2}$", "a_b^c", "שלום", "模型-4bit", "a&b <i>", "-1.5"])
def test_text_of_a_plot_is_written_as_it_is(name: str) -> None:
    sheet = Sheet(100, 100)
    sheet.text("label", (50, 40), name, "end")
    plot = sheet.markup("radar", "p", "t", "d")
    shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f'<text class="label" x="50" y="60" text-anchor="end">{shown}</text>' in plot
