"""The README's tables are those of the program, and it stays short."""

import ast
import importlib
import re
import shlex
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from docs.tools import readme_tables

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
METHODS = README.parent / "docs" / "methods.md"
EXTENDING = README.parent / "docs" / "extending.md"
PLACES = {
    **dict.fromkeys(("recipes", "capabilities"), README),
    **dict.fromkeys(("methods", "architectures", "reasons"), METHODS),
    "limits": README.parent / "docs" / "security.md",
    "endings": README.parent / "docs" / "exit-codes.md",
    "options": README.parent / "docs" / "options.md",
    "benchmarks": README.parent / "docs" / "benchmarks.md",
    "artifact-checks": README.parent / "docs" / "artifact-checks.md",
    "formats": README.parent / "docs" / "formats.md",
    "recipe-sections": README.parent / "docs" / "recipes.md",
    "benchmark-sections": README.parent / "docs" / "benchmark-files.md",
    "command-sections": README.parent / "docs" / "cli.md",
    "profiles": README.parent / "docs" / "thresholds.md",
    "as-a-library": README.parent / "docs" / "library.md",
    **dict.fromkeys(("github-actions", "gitlab-ci"), README.parent / "docs" / "ci.md"),
    **dict.fromkeys(("extension", "extension-method", "extension-benchmark"), EXTENDING),
}


@pytest.mark.parametrize("name", readme_tables.TABLES)
def test_a_table_is_what_the_program_says(name):
    found = re.search(f"<!-- {name}:start -->\n(.*?)<!-- {name}:end -->", PLACES[name].read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PLACES[name].name} has lost its markers for {name}"
    assert found[1] == readme_tables.TABLES[name](), "run `make docs`"


def test_the_readme_stays_under_200_lines():
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


def test_every_file_that_a_page_names_exists():
    pages = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    tops = {path.name for place in (ROOT, ROOT / "pytest_unicomp") for path in place.iterdir() if path.is_dir()} - {"baselines"}
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"`([\w.-]+/[\w./-]*)`", page.read_text(encoding="utf-8"))
        if name.partition("/")[0] in tops
    }
    assert len(named) > 40
    assert sorted(pair for pair in named if not any((place / pair[1]).exists() for place in (ROOT, ROOT / "pytest_unicomp"))) == []


def test_every_recipe_every_benchmark_and_every_command_has_its_place_on_a_page():
    import typer

    from docs.tools.catalogue import commands
    from pytest_unicomp.api.registry import benchmarks, methods
    from pytest_unicomp.cli import app

    pages = {name: PLACES[name].read_text(encoding="utf-8") for name in ("recipe-sections", "benchmark-sections", "command-sections")}
    assert [name for name in methods() if f"`{name}`" not in pages["recipe-sections"]] == []
    assert [name for name in benchmarks() if f"`{name}`" not in pages["benchmark-sections"]] == []
    assert [name for name, _ in commands(typer.main.get_command(app)) if f"## unicomp {name}\n" not in pages["command-sections"]] == []


def test_every_command_of_the_readme_and_of_the_pages_has_options_that_exist():
    from pytest_unicomp.config.settings import flag, options

    known = {flag(option.name) for option in options()} | {"--unicomp-config", "--unicomp-x-y", "--unicomp-NAME"}
    pages = [README, *sorted((README.parent / "docs").rglob("*.md")), *sorted((README.parent / "examples").iterdir())]
    wrong = {
        f"{page.name}: {found}"
        for page in pages
        if page.is_file()
        for found in re.findall(r"--unicomp-[\w-]+", page.read_text(encoding="utf-8"))
        if found.rstrip("-") not in known
    }
    assert sorted(wrong) == []


def test_every_command_that_the_pages_show_is_understood():
    import typer

    from docs.tools.catalogue import commands
    from pytest_unicomp.cli import app
    from pytest_unicomp.cli.gate import pytest_arguments

    known = dict(commands(typer.main.get_command(app)))
    shown = [
        line.split("   #")[0].strip().removesuffix("&").removesuffix("\\")
        for page in (README, *sorted((README.parent / "docs").rglob("*.md")))
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.match(r"    (srun (--\S+ )?)?unicomp \w", line) and "[OPTIONS]" not in line
    ]
    assert len(shown) > 40
    for line in shown:
        words = shlex.split(line[line.index("unicomp ") + len("unicomp ") :].split("<")[0])
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        assert name in known, line
        rest = words[len(name.split()) :]
        # Parses, and runs nothing; raises for an option that is none, or an argument that is missing.
        known[name].make_context(name, list(rest))
        if name == "gate":
            pytest_arguments(rest[1:])


@pytest.mark.slow
def test_the_method_that_the_readme_shows_compresses_the_embedded_model(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    from pytest_unicomp.api.protocols import CompressionJob
    from pytest_unicomp.checkpoints.hub import NANO, facts

    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    (tmp_path / "fixed_point.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    recipes = importlib.import_module("fixed_point").RECIPES
    (made := tmp_path / "made").mkdir()
    recipes["fixed-point-6"].compress(CompressionJob(NANO, made, None, 0, "cpu", print, tmp_path))
    weights = load_file(next(made.glob("*.safetensors")))
    rounded = next(value for name, value in weights.items() if name.endswith("q_proj.weight")).float() * 2**6
    assert (rounded == rounded.round()).all()
    assert facts(made).parameters == facts(NANO).parameters


def prose(text):
    """Return the lines that a person wrote and wraps: neither tables nor the sections that programs write."""
    text = re.sub(r"<!-- ([\w-]+):start -->.*?<!-- \1:end -->", "", text, flags=re.DOTALL)
    return [line for line in text.splitlines() if not line.startswith("|")]


@pytest.mark.parametrize(
    "page", [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_lines_are_short_enough_to_read_anywhere(page):
    assert [line for line in prose(page.read_text(encoding="utf-8")) if len(line) > 120] == []


def test_the_map_of_the_readme_names_every_package_in_the_order_of_the_layers():
    from tests.test_architecture import LAYERS

    text = README.read_text(encoding="utf-8")
    part = text[text.index("## Where things are") : text.index("## Contributing")]
    lines = [line for line in part.splitlines() if line.strip()]
    named = [name for line in lines if line.startswith("    ") for name in re.match(r"    ((?:\w+/ ?)+)", line)[1].replace("/", "").split()]
    assert len(lines) <= 20
    assert named == list(LAYERS)
    inside = {path.name for path in (ROOT / "pytest_unicomp").rglob("*") if path.is_dir()}
    assert sorted(set(re.findall(r"(\w+)/", "".join(line for line in lines if line.startswith("    ")))) - inside) == []


def test_the_readme_says_what_each_folder_of_the_repository_is():
    text = README.read_text(encoding="utf-8")
    part = text[text.index("## Where things are") : text.index("## Contributing")]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    folders = {name.partition("/")[0] for name in tracked if "/" in name and not name.startswith(".")}
    assert sorted(folder for folder in folders if f"{folder}/" not in part) == []


def test_the_life_of_a_cell_names_only_what_exists():
    text = ARCHITECTURE.read_text(encoding="utf-8")
    table = text[text.index("<!-- life-of-a-cell -->") : text.index("<!-- life-of-a-cell:end -->")]
    named = re.findall(r"`([a-z_]+(?:\.\w+)+)`", table)
    assert len(named) > 12
    assert [name for name in named if not defined(name)] == []


def defined(dotted):
    """Return True if a dotted name below the package is a function, a class or a method; nothing is imported."""
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        base = ROOT.joinpath("pytest_unicomp", *parts[:cut])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                scope = ast.parse(path.read_text(encoding="utf-8")).body
                for name in parts[cut:]:
                    found = [node for node in scope if getattr(node, "name", None) == name]
                    scope = getattr(found[0], "body", []) if found else None
                    if scope is None:
                        break
                else:
                    return True
    return False


@pytest.mark.parametrize("name", ["run.plan.plan", "run.run.Run.promise", "plugin.pytest_configure"])
def test_a_name_that_exists_is_found(name):
    assert defined(name)


@pytest.mark.parametrize("name", ["run.plan.plans", "run.run.Run.promised", "walk.plan.plan", "plugin.pytest_configured"])
def test_a_name_that_does_not_exist_is_not_found(name):
    assert not defined(name)


def test_the_glossary_explains_the_words_that_the_reports_use():
    from pytest_unicomp.api.records import Verdict

    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    words = [verdict.replace("_", " ") for verdict in get_args(Verdict)]
    assert [word for word in (*words, "recipe", "cell", "waiver", "bundle", "prefix cache", "drift") if word not in text] == []
