"""The CI files are YAML whose commands the real command line understands, and which do what their pages promise."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from pytest_unicomp.cli.gate import pytest_arguments, with_default_reports
from pytest_unicomp.config.resolve import resolve

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

FILES = ("github-actions.yml", "gitlab-ci.yml")
LEFT_BEHIND = {"gate.json", "gate.html", "gate.md", "gate.xml"}


def content(name):
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


def scripts(name):
    """Return the shell commands of a file, and the variables that they see."""
    data = content(name)
    if name.startswith("gitlab"):
        parts = ("before_script", "script", "after_script")
        return [command for part in parts for command in data["gate"][part]], data["gate"]["variables"]
    return [step["run"] for step in data["jobs"]["gate"]["steps"] if "run" in step], data["env"]


def gate_words(name):
    """Return the words of the file's gate command, with its variables put in."""
    commands, variables = scripts(name)
    command = next(command for command in commands if command.lstrip().startswith("unicomp gate"))
    text = re.sub(r"\$(\w+)", lambda found: str(variables[found[1]]), command.replace("\\\n", " "))
    return shlex.split(text)


@pytest.mark.parametrize("name", FILES)
def test_every_option_of_the_gate_exists_and_takes_its_value(name):
    words = gate_words(name)
    assert words[:3] == ["unicomp", "gate", "nano"]
    arguments = pytest_arguments(words[3:])
    flags = [argument.removeprefix("--unicomp-").split("=", 1) for argument in arguments if argument.startswith("--unicomp-")]
    given = {key.replace("-", "_"): value for key, value in flags if key != "report"}
    settings = resolve({"model": "nano", **given, "report": [value for key, value in flags if key == "report"]})
    assert settings.profile == "smoke"
    assert str(settings.cache) == ".unicomp-store"


@pytest.mark.parametrize("name", FILES)
def test_what_is_kept_is_what_the_gate_writes(name):
    words = gate_words(name)
    arguments = pytest_arguments(words[3:])
    written = {word.partition("=")[2] for word in arguments if word.startswith(("--unicomp-report=", "--junitxml="))}
    assert written == LEFT_BEHIND
    data = content(name)
    if name.startswith("gitlab"):
        artifacts = data["gate"]["artifacts"]
        kept = {*artifacts["paths"], artifacts["reports"]["junit"]}
        assert artifacts["when"] == "always"
    else:
        upload = next(step for step in data["jobs"]["gate"]["steps"] if "upload-artifact" in step.get("uses", ""))
        kept = set(upload["with"]["path"].split())
        assert upload["if"] == "always()"
    assert kept == LEFT_BEHIND


def test_github_saves_the_store_that_it_restored_even_after_a_failed_gate():
    steps = content("github-actions.yml")["jobs"]["gate"]["steps"]
    restored, saved = (next(step for step in steps if f"cache/{verb}@" in step.get("uses", "")) for verb in ("restore", "save"))
    assert restored["with"]["path"] == saved["with"]["path"] == ".unicomp-store"
    assert restored["with"]["key"] == saved["with"]["key"]
    assert saved["if"] == "always()"
    gate = next(place for place, step in enumerate(steps) if "unicomp gate" in step.get("run", ""))
    assert steps.index(restored) < gate < steps.index(saved)
    assert all(restored["with"]["key"].startswith(prefix) for prefix in restored["with"]["restore-keys"].split("\n") if prefix)


def test_gitlab_finds_the_store_again_under_whatever_versions_and_branch_it_was_saved():
    store = next(entry for entry in content("gitlab-ci.yml")["gate"]["cache"] if ".unicomp-store/" in entry["paths"])
    # A fallback key is taken as it stands, and is found only if some job saved under it.
    assert isinstance(store["key"], str)
    assert "$" not in store["key"]
    assert "fallback_keys" not in store


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_user_has_to_bring_is_named_with_where_it_comes_from(name):
    installs = [command for command in scripts(name)[0] if "pip install" in command]
    assert all("-c constraints.txt" in command for command in installs)
    head = (EXAMPLES / name).read_text(encoding="utf-8").partition("gate:")[0]
    page = (EXAMPLES.parent / "docs" / "ci.md").read_text(encoding="utf-8").partition("## GitHub Actions")[0]
    for text in (head, page):
        assert "constraints.txt" in text
        assert "pip freeze > constraints.txt" in text


def test_gitlab_keeps_the_store_always_and_takes_an_undecided_gate_for_a_warning():
    gate = content("gitlab-ci.yml")["gate"]
    assert next(entry for entry in gate["cache"] if ".unicomp-store/" in entry["paths"])["when"] == "always"
    assert gate["allow_failure"] == {"exit_codes": 6}


def test_a_gate_that_names_its_reports_gets_no_others(tmp_path):
    arguments = pytest_arguments(gate_words("github-actions.yml")[3:])
    assert with_default_reports(arguments, tmp_path) == arguments


@pytest.mark.parametrize("name", FILES)
def test_the_store_is_pruned_in_words_that_the_command_knows_before_it_is_saved(name):
    import typer

    from docs.tools.catalogue import commands
    from pytest_unicomp.cli import app

    prune = next(command for command in scripts(name)[0] if "cache prune" in command)
    words = shlex.split(prune)[3:]
    context = dict(commands(typer.main.get_command(app)))["cache prune"].make_context("prune", list(words))
    assert str(context.params["cache"]) == ".unicomp-store"
    if name.startswith("github"):
        steps = content(name)["jobs"]["gate"]["steps"]
        names = [step.get("run", step.get("uses", "")) for step in steps]
        assert names.index(prune) < next(place for place, text in enumerate(names) if "cache/save@" in text)


def test_both_files_run_the_same_gate():
    assert gate_words("github-actions.yml") == gate_words("gitlab-ci.yml")


@pytest.mark.slow
def test_the_command_runs_in_an_empty_folder_with_nothing_but_the_wheel_and_leaves_what_is_kept_and_the_summary(tmp_path, wheel):
    site, folder, summary = tmp_path / "site", tmp_path / "empty", tmp_path / "summary.md"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    folder.mkdir()
    words = gate_words("github-actions.yml")[1:]
    words[words.index("--recipe") + 1] = "rtn-w8a16"
    divider = words.index("--")
    words[divider:divider] = ["--limit", "40", "--benchmark", "nano-knowledge,bytes"]
    program = f"import sys; sys.path.insert(0, {str(site)!r}); from pytest_unicomp.cli import main; sys.argv[0] = 'unicomp'; main()"
    environment = {**os.environ, "PYTHONPATH": str(site), "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run([sys.executable, "-c", program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    answer = json.loads((folder / "gate.json").read_text(encoding="utf-8"))
    assert done.returncode == answer["exit_code"] == 0, done.stdout
    assert {path.name for path in folder.glob("gate.*")} == LEFT_BEHIND
    assert {path.name for path in folder.iterdir()} - LEFT_BEHIND <= {".unicomp-store", ".pytest_cache", ".benchmarks"}
    assert "rtn-w8a16" in summary.read_text(encoding="utf-8")
    cases = [case.get("name") for case in ElementTree.parse(folder / "gate.xml").iter("testcase")]
    assert "test_capability[rtn-w8a16-knowledge]" in cases
