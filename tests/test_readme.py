"""The README's tables are those of the program, and it stays short."""

import re
from pathlib import Path

import pytest

from pytest_unicomp import readme

README = Path(__file__).parent.parent / "README.md"
METHODS = README.parent / "docs" / "methods.md"
PLACES = {
    **dict.fromkeys(("recipes", "capabilities"), README),
    **dict.fromkeys(("methods", "architectures", "reasons"), METHODS),
    "options": README.parent / "docs" / "options.md",
    "benchmarks": README.parent / "docs" / "benchmarks.md",
    "artifact-checks": README.parent / "docs" / "artifact-checks.md",
}


@pytest.mark.parametrize("name", readme.TABLES)
def test_a_table_is_what_the_program_says(name):
    found = re.search(f"<!-- {name}:start -->\n(.*?)<!-- {name}:end -->", PLACES[name].read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PLACES[name].name} has lost its markers for {name}"
    assert found[1] == readme.TABLES[name](), "run `python -m pytest_unicomp.readme README.md docs/*.md`"


def test_the_readme_stays_under_200_lines():
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


def test_every_file_that_the_readme_names_exists():
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:docs|pytest_unicomp|suites|tests|baselines)/[\w./-]*)`", text)) | {"CONTRIBUTING.md", "constraints.txt"}
    assert [name for name in sorted(named) if not (README.parent / name).exists()] == []
