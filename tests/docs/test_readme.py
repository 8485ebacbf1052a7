"""The README's tables are those of the program, and it stays short."""

import importlib
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from docs.tools import readme_tables

README = Path(__file__).parents[2] / "README.md"
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


def test_every_file_that_the_readme_names_exists():
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:docs|pytest_unicomp|suites|tests|baselines)/[\w./-]*)`", text)) | {"CONTRIBUTING.md", "constraints.txt"}
    assert [name for name in sorted(named) if not (README.parent / name).exists()] == []


def test_every_recipe_every_benchmark_and_every_command_has_its_place_on_a_page():
    import typer

    from docs.tools.catalogue import commands
    from pytest_unicomp.api.registry import benchmarks, methods
    from pytest_unicomp.cli import app

    pages = {name: PLACES[name].read_text(encoding="utf-8") for name in ("recipe-sections", "benchmark-sections", "command-sections")}
    assert [name for name in methods() if f"`{name}`" not in pages["recipe-sections"]] == []
    assert [name for name in benchmarks() if f"`{name}`" not in pages["benchmark-sections"]] == []
    assert [name for name, _ in commands(typer.main.get_command(app)) if f"## unicomp {name}\n" not in pages["command-sections"]] == []


def test_the_file_tree_names_every_module_and_folder_of_the_package_and_of_the_repository():
    text = README.read_text(encoding="utf-8")
    words = set(re.findall(r"[\w.]+", text[text.index("## Where things are") : text.index("## Contributing")]))
    package = README.parent / "pytest_unicomp"
    there = {path.stem for path in package.glob("*.py")} | {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    assert sorted(there - words - {"__init__"}) == []
    tracked = subprocess.run(["git", "ls-files"], cwd=README.parent, capture_output=True, text=True, check=False).stdout.split("\n")
    top = {name.partition("/")[0] for name in tracked if name and not name.startswith(".")}
    assert (
        sorted(
            name
            for name in top
            if name.removesuffix(".py") not in words and name not in words | {"README.md", "CONTRIBUTING.md", "LICENSE"}
        )
        == []
    )


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
    # The examples of the commands' own help.
    shown += re.findall(r"Examples?: (unicomp [^\n;]+)", PLACES["command-sections"].read_text(encoding="utf-8").replace("&lt;", "<"))
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

    from pytest_unicomp.checkpoints.hub import NANO, facts

    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    (tmp_path / "fixed_point.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    recipes = importlib.import_module("fixed_point").RECIPES
    (made := tmp_path / "made").mkdir()
    recipes["fixed-point-6"].compress(NANO, made, None, seed=0, device="cpu", progress=print, scratch=tmp_path)
    weights = load_file(next(made.glob("*.safetensors")))
    rounded = next(value for name, value in weights.items() if name.endswith("q_proj.weight")).float() * 2**6
    assert (rounded == rounded.round()).all()
    assert facts(made).parameters == facts(NANO).parameters
