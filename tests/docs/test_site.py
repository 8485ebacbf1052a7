"""The documentation is a site that builds strictly, and whose pages load nothing from other hosts."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


def build(folder, site):
    """Build the site of a checkout's mkdocs.yml and docs/; raises Abort where it would warn."""
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config

    build_site(load_config(str(folder / "mkdocs.yml"), site_dir=str(site), strict=True))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build(ROOT, folder)
    return folder


@pytest.fixture
def copy(tmp_path):
    """A checkout of the documentation alone, to be spoiled."""
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


class Loads(HTMLParser):
    """Gathers the addresses that a page loads by itself; links that a reader follows are not among them."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get(LOADING.get(tag, ""))
        if address is not None:
            self.found.append(address)


def test_every_page_is_there(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert [str(page) for page in sorted(pages) if not (site / page).is_file()] == []


def test_no_program_is_published(site):
    assert [path.name for path in site.rglob("*.py")] == []
    assert not (site / "tools").exists()


def test_no_page_loads_anything_from_another_host(site):
    loaded = {}
    for page in site.rglob("*.html"):
        reader = Loads()
        reader.feed(page.read_text(encoding="utf-8"))
        loaded[page.name] = reader.found
    assert any(address.endswith(".css") for address in loaded["index.html"]), "the reader found no style sheet: it reads wrongly"
    outside = [address for found in loaded.values() for address in found if re.match(r"(\w+:)?//", address)]
    sheets = [
        match
        for sheet in site.rglob("*.css")
        for match in re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]*)", sheet.read_text())
    ]
    assert outside + sheets == []


@pytest.mark.parametrize(
    ("page", "text", "complaint"),
    [
        ("index.md", "[nowhere](nowhere.md)", "nowhere.md"),
        ("index.md", "[no such heading](verdicts.md#no-such-heading)", "no-such-heading"),
        ("orphan.md", "# In no navigation", "orphan.md"),
    ],
)
def test_a_broken_link_and_a_page_without_a_place_are_errors(copy, tmp_path, caplog, page, text, complaint):
    from mkdocs.exceptions import Abort

    with (copy / "docs" / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    with pytest.raises(Abort), caplog.at_level("WARNING"):
        build(copy, tmp_path / "site")
    assert complaint in caplog.text


def test_a_new_decision_takes_its_place_by_itself(copy, tmp_path):
    (copy / "docs" / "decisions" / "9999-later.md").write_text("# Decided later\n")
    build(copy, tmp_path / "site")
    assert "Decided later" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
