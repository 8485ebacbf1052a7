"""The page as a reader's browser shows it: nothing leaves it, nothing complains, everyone can use it, and no text of a model breaks it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.report import html
from tests.report import browser, toy_report

AXE = Path(os.environ.get("UNICOMP_AXE") or Path(__file__).parents[2] / ".browser/node_modules/axe-core/axe.min.js")
SHOWN = "[...document.querySelectorAll('.flip')].filter(flip => getComputedStyle(flip).display !== 'none')"
OUTSIDE = (
    "[...document.querySelectorAll('main *')].filter(part => !part.closest('.scroll, .unseen, svg, option') "
    "&& part.getBoundingClientRect().right > innerWidth + 1).map(part => part.outerHTML.slice(0, 200))"
)

pytestmark = pytest.mark.skipif(browser.executable() is None, reason="no Chromium on the path: `make browser`")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "gate.html"
    html.write(toy_report.full(), path)
    return path


@pytest.fixture(scope="module")
def tab(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    with browser.Browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.look(1280)
        opened.open(page)
        yield opened


def test_nothing_is_requested_but_the_page_and_nothing_is_complained_about(tab: browser.Browser, page: Path) -> None:
    tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert tab.requests == [page.as_uri()]
    assert tab.complaints == []


def test_the_browser_refuses_what_a_model_might_smuggle_in(tab: browser.Browser, page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    smuggled = "<script>document.title = 'ran'</script><img src='https://example.org/x.png'><p style='color: red'>x</p>"
    broken.write_text(page.read_text(encoding="utf-8").replace("<footer>", f"{smuggled}<footer>"), encoding="utf-8")
    tab.open(broken)
    try:
        assert tab.evaluate("document.title") != "ran"
        assert len([text for text in tab.complaints if "Content Security Policy" in text]) == 3
    finally:
        tab.open(page)
        tab.requests.clear()
        tab.complaints.clear()


@pytest.mark.skipif(not AXE.exists(), reason=f"no axe-core at {AXE}: `make browser`")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_serious_accessibility_violation(tab: browser.Browser, dark: bool) -> None:
    tab.look(1280, dark=dark)
    # Flips are all alike; what is folded away is not looked at, and this is the slow part.
    tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = !part.matches('.flip ~ .flip ~ .flip ~ .flip') })")
    tab.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']}).then(told => told.violations)")
    serious = [
        (violation["id"], violation["impact"], [node["html"][:200] for node in violation["nodes"]][:5])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_itself_never_scrolls_sideways(tab: browser.Browser, width: int) -> None:
    tab.look(width)
    tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate(OUTSIDE) == []


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "gate.html"
    html.write(toy_report.hostile(), path)
    return path


@pytest.mark.parametrize("width", [380, 1280])
def test_names_and_reasons_that_try_to_break_the_page_leave_it_whole(tab: browser.Browser, page: Path, hostile: Path, width: int) -> None:
    tab.look(width)
    tab.open(hostile)
    try:
        tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        assert tab.evaluate(OUTSIDE) == []
        assert tab.evaluate("document.querySelectorAll('script, img, style:not(head *), [onload], [onmouseover]').length") == 0
        assert tab.evaluate("document.querySelector('footer').getBoundingClientRect().height") > 0
        assert {address for address in tab.requests if not address.startswith("file:")} == set()
        assert tab.complaints == []
    finally:
        tab.look(1280)
        tab.open(page)
        tab.requests.clear()


def chosen(tab: browser.Browser, **choices: str) -> list[str]:
    """Set the filters as a reader would and return the classes of the flips that stay."""
    kind = choices.get("kind", "all")
    tab.evaluate(f"document.querySelector('label[for=flips-{kind}]').click()")
    for name in ("recipe", "benchmark"):
        option = f"[...document.querySelectorAll('#flips-by-{name} option')].find(one => one.text === {choices.get(name, 'all')!r})"
        tab.evaluate(f"{option}.selected = true")
    shown: list[str] = tab.evaluate(
        f"{SHOWN}.map(flip => flip.querySelector('.kind').textContent + ' ' + flip.querySelector('.where').innerText)"
    )
    return shown


def test_filters_leave_what_they_name_and_count_it(tab: browser.Browser) -> None:
    everything = chosen(tab)
    lost = chosen(tab, kind="lost")
    assert lost == [told for told in everything if told.startswith("lost")]
    assert 0 < len(lost) < len(everything)
    of_one = chosen(tab, kind="lost", recipe="gptq-w4a16", benchmark="nano-reasoning")
    assert of_one == [told for told in lost if told.split() == ["lost", "gptq-w4a16", "nano-reasoning"]]
    assert of_one
    assert chosen(tab) == everything


def test_the_count_of_what_is_shown_follows_the_filters(tab: browser.Browser) -> None:
    for choices in ({}, {"kind": "gained"}, {"recipe": "rtn-w8a16"}):
        left = chosen(tab, **choices)
        counted: dict[str, Any] = tab.ask("Accessibility.getFullAXTree")
        heard = [node["name"]["value"].strip() for node in counted["nodes"] if node.get("role", {}).get("value") == "StaticText"]
        assert heard[heard.index("shown") - 1] == str(len(left))
    chosen(tab)


def test_what_did_not_pass_can_be_shown_alone(tab: browser.Browser) -> None:
    rows = "[...document.querySelectorAll('.check')].filter(row => getComputedStyle(row).display !== 'none').map(row => row.className)"
    everything = tab.evaluate(rows)
    tab.evaluate("document.querySelector('label[for=checks-open]').click()")
    left = tab.evaluate(rows)
    tab.evaluate("document.querySelector('label[for=checks-all]').click()")
    assert left == [name for name in everything if name != "check pass"]
    assert 0 < len(left) < len(everything)


def test_paper_shows_what_is_folded_away_on_a_screen(tab: browser.Browser, tmp_path: Path) -> None:
    tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = false })")
    chosen(tab, kind="gained")
    tab.ask("Emulation.setEmulatedMedia", media="print")
    hidden = "[...document.querySelectorAll('.flip pre, .checks td')].filter(part => part.getBoundingClientRect().height === 0).length"
    try:
        assert tab.evaluate(hidden) == 0
    finally:
        tab.look(1280)
        chosen(tab)


@pytest.fixture(scope="module")
def thirteen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with all thirteen capability columns."""
    path = tmp_path_factory.mktemp("thirteen") / "gate.html"
    html.write(toy_report.thirteen(), path)
    return path


# The width between the margins of A4 on its side, in CSS pixels.
LANDSCAPE = 1032


def test_no_word_of_thirteen_capabilities_reaches_into_the_next_column_on_paper(tab: browser.Browser, page: Path, thirteen: Path) -> None:
    try:
        tab.look(LANDSCAPE)
        tab.open(thirteen)
        tab.ask("Emulation.setEmulatedMedia", media="print")
        assert (
            tab.evaluate(
                "[...document.querySelectorAll('.matrix td, .matrix thead th')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
            )
            == 0
        )
    finally:
        tab.look(1280)
        tab.open(page)


def test_the_matrix_of_thirteen_capabilities_is_whole_at_1280_and_folded_at_380(tab: browser.Browser, page: Path, thirteen: Path) -> None:
    try:
        tab.look(1280)
        tab.open(thirteen)
        assert tab.evaluate("document.querySelectorAll('.matrix thead tr:last-child th').length") == 13
        assert tab.evaluate("(found => found.scrollWidth - found.clientWidth)(document.querySelector('.scroll.wide'))") == 0
        # No word is broken, and none reaches into the next column.
        assert (
            tab.evaluate(
                "[...document.querySelectorAll('.matrix td, .matrix thead th')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
            )
            == 0
        )
        tab.look(380)
        tab.open(thirteen)
        assert tab.evaluate("getComputedStyle(document.querySelector('.scroll.wide')).display") == "none"
        failing = "[...document.querySelectorAll('.card')].find(card => card.textContent.includes('fail'))"
        assert tab.evaluate(f"{failing}.querySelector('dl dt').textContent").startswith("reasoning ✗ fail")
        assert tab.evaluate("document.documentElement.scrollWidth") == 380
        # What is folded is named, and opens.
        assert "kept" in tab.evaluate(f"{failing}.querySelector('summary').textContent")
    finally:
        tab.look(1280)
        tab.open(page)
        tab.requests.clear()
