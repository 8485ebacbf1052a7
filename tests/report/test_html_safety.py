"""No text of a model or a report can run or load anything."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from pytest_unicomp.report import html
from tests.report import toy_report
from tests.report.page_reader import Page

LOADING = {"script", "link", "iframe", "object", "embed", "img", "base", "form", "video", "audio", "source"}


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


def test_no_text_of_a_model_becomes_markup(page: Page) -> None:
    assert not LOADING & set(page.tags)
    assert page.tags.count("style") == 1
    assert page.tags.count("h1") == 1
    assert page.unbalanced == []


def test_no_attribute_can_run_or_load_anything(page: Page) -> None:
    assert [found for found in page.attributes if found[1].startswith("on") or found[1] in ("src", "style", "srcset", "action")] == []
    targets = [value for _, name, value in page.attributes if name in ("href", "xlink:href")]
    assert targets
    assert all(target.startswith("#") for target in targets)


def test_the_policy_allows_nothing_but_the_pages_own_style_sheet() -> None:
    text = html.render(toy_report.full())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    allowed = policy[1].replace("&#39;", "'")
    assert allowed == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style[1]
    assert "@import" not in style[1]
