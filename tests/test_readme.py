"""The README's tables are those of the program, and it stays short."""

import re
from pathlib import Path

import pytest

from pytest_unicomp import readme

README = Path(__file__).parent.parent / "README.md"
METHODS = README.parent / "docs" / "methods.md"
EXTENDING = README.parent / "docs" / "extending.md"
PLACES = {
    **dict.fromkeys(("recipes", "capabilities"), README),
    **dict.fromkeys(("methods", "architectures", "reasons"), METHODS),
    "options": README.parent / "docs" / "options.md",
    "benchmarks": README.parent / "docs" / "benchmarks.md",
    "artifact-checks": README.parent / "docs" / "artifact-checks.md",
    "recipe-sections": README.parent / "docs" / "recipes.md",
    "benchmark-sections": README.parent / "docs" / "benchmark-files.md",
    "command-sections": README.parent / "docs" / "cli.md",
    "as-a-library": README.parent / "docs" / "library.md",
    **dict.fromkeys(("github-actions", "gitlab-ci"), README.parent / "docs" / "ci.md"),
    **dict.fromkeys(("extension", "extension-method", "extension-benchmark"), EXTENDING),
}


@pytest.mark.parametrize("name", readme.TABLES)
def test_a_table_is_what_the_program_says(name):
    found = re.search(f"<!-- {name}:start -->\n(.*?)<!-- {name}:end -->", PLACES[name].read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PLACES[name].name} has lost its markers for {name}"
    assert found[1] == readme.TABLES[name](), "run `make docs`"


def test_the_readme_stays_under_200_lines():
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


def test_every_file_that_the_readme_names_exists():
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:docs|pytest_unicomp|suites|tests|baselines)/[\w./-]*)`", text)) | {"CONTRIBUTING.md", "constraints.txt"}
    assert [name for name in sorted(named) if not (README.parent / name).exists()] == []


def test_every_recipe_every_benchmark_and_every_command_has_its_place_on_a_page():
    from pytest_unicomp.cli import app
    from pytest_unicomp.registry import benchmarks, methods

    pages = {name: PLACES[name].read_text(encoding="utf-8") for name in ("recipe-sections", "benchmark-sections", "command-sections")}
    assert [name for name in methods() if f"`{name}`" not in pages["recipe-sections"]] == []
    assert [name for name in benchmarks() if f"`{name}`" not in pages["benchmark-sections"]] == []
    commands = [command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands]
    assert [name for name in commands if f"## unicomp {name}\n" not in pages["command-sections"]] == []
