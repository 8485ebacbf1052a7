"""The CI files are YAML of the right shape, whose commands the real command line understands, and which do what their pages promise."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from pytest_unicomp.cli.gate import with_default_reports
from pytest_unicomp.cli.run_options import pytest_arguments
from pytest_unicomp.config.profiles import PROFILES
from pytest_unicomp.config.resolve import resolve

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
GITHUB, GITLAB = FILES = ("github-actions.yml", "gitlab-ci.yml")
JOBS = ("smoke", "compress", "candidate")
LEFT_BEHIND = {"gate.json", "gate.html", "gate.md", "gate.xml"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
# The parts of GitHub's workflow syntax that the file uses; a key that is none of these is a mistake.
STEP = {
    "type": "object",
    "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "if": {"type": "string"},
        "uses": {"type": "string", "pattern": r"^[\w./-]+@\S+$"},
        "with": {"type": "object"},
        "run": {"type": "string"},
        "env": TEXTS,
    },
}
WORKFLOW = {
    "type": "object",
    "required": ["name", "on", "jobs", "permissions", "concurrency"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "on": {"type": "object", "propertyNames": {"enum": ["pull_request", "push", "workflow_dispatch"]}},
        "permissions": TEXTS,
        "concurrency": {"type": "object", "required": ["group", "cancel-in-progress"]},
        "env": TEXTS,
        "jobs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["runs-on", "timeout-minutes", "steps"],
                "additionalProperties": False,
                "properties": {
                    "if": {"type": "string"},
                    "needs": {"type": "string"},
                    "runs-on": {"type": ["string", "array"]},
                    "timeout-minutes": {"type": "integer", "maximum": 360},
                    "env": TEXTS,
                    "steps": {"type": "array", "items": STEP, "minItems": 1},
                },
            },
        },
    },
}
# The same of GitLab's.
LINES = {"type": "array", "items": {"type": "string"}}
PIPELINE = {
    "type": "object",
    "required": ["variables", ".gate", *JOBS],
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "extends": {"const": ".gate"},
            "image": {"type": "string"},
            "interruptible": {"type": "boolean"},
            "needs": LINES,
            "tags": LINES,
            "timeout": {"type": "string", "pattern": r"^\d+ (hours|minutes)$"},
            "resource_group": {"type": "string"},
            "rules": {
                "type": "array",
                "items": {"type": "object", "required": ["if"], "additionalProperties": False, "properties": {"if": {}}},
            },
            "variables": TEXTS,
            "cache": {"type": "array", "items": {"type": "object", "required": ["key", "paths"]}},
            "before_script": LINES,
            "script": LINES,
            "after_script": LINES,
            "artifacts": {"type": "object", "required": ["when", "expire_in", "paths", "reports"]},
        },
    },
    "properties": {"variables": TEXTS},
}


def content(name: str) -> dict[str, Any]:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    # YAML 1.1 reads the key `on` as true.
    found: dict[str, Any] = yaml.safe_load(text.replace("\non:\n", '\n"on":\n'))
    return found


def scripts(name: str, job: str) -> list[str]:
    """Return the shell commands of a job."""
    data = content(name)
    if name == GITLAB:
        parts = {**data[".gate"], **data[job]}
        return [command for part in ("before_script", "script", "after_script") for command in parts[part]]
    return [step["run"] for step in data["jobs"][job]["steps"] if "run" in step]


def gate_words(name: str, job: str) -> list[str]:
    """Return the words of a job's gate command, with the file's variables put in."""
    data = content(name)
    variables = {**data["variables" if name == GITLAB else "env"], "HOME": "/home"}
    command = next(command for command in scripts(name, job) if command.lstrip().startswith("unicomp gate"))
    return shlex.split(re.sub(r"\$(\w+)", lambda found: str(variables[found[1]]), command))


@pytest.mark.parametrize(("name", "schema"), [(GITHUB, WORKFLOW), (GITLAB, PIPELINE)])
def test_the_file_has_the_shape_that_the_service_expects(name: str, schema: dict[str, Any]) -> None:
    jsonschema.validate(content(name), schema)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", FILES)
def test_every_option_of_a_gate_exists_and_takes_its_value(name: str, job: str) -> None:
    words = gate_words(name, job)
    flags = [word.removeprefix("--unicomp-").split("=", 1) for word in pytest_arguments(words[3:]) if word.startswith("--unicomp-")]
    given = {key.replace("-", "_"): value for key, value in flags if key != "report"}
    settings = resolve({"model": words[2], **given, "report": [value for key, value in flags if key == "report"]})
    assert str(settings.cache).endswith("unicomp-store")
    assert (settings.model == "nano") == (job == "smoke")
    assert settings.candidate == (("candidate",) if job == "candidate" else ())


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", FILES)
def test_an_undecided_gate_stops_the_job_of_all_but_nano(name: str, job: str) -> None:
    words = gate_words(name, job)
    profile = words[words.index("--profile") + 1]
    assert PROFILES[profile].get("inconclusive", "fail") == ("warn" if job == "smoke" else "fail")
    assert "allow_failure" not in (EXAMPLES / name).read_text(encoding="utf-8")
    assert "continue-on-error" not in (EXAMPLES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_kept_is_what_the_gate_writes(name: str, job: str, tmp_path: Path) -> None:
    arguments = pytest_arguments(gate_words(name, job)[3:])
    written = {word.partition("=")[2] for word in arguments if word.startswith(("--unicomp-report=", "--junitxml="))}
    assert written == LEFT_BEHIND
    assert with_default_reports(arguments, tmp_path) == arguments, "a gate that names its reports gets no others"
    data = content(name)
    if name == GITLAB:
        artifacts = data[".gate"]["artifacts"]
        kept = {*artifacts["paths"], artifacts["reports"]["junit"]}
        assert artifacts["when"] == "always"
    else:
        upload = next(step for step in data["jobs"][job]["steps"] if "upload-artifact" in step.get("uses", ""))
        kept = set(upload["with"]["path"].split())
        assert upload["if"] == "always()"
    assert kept == LEFT_BEHIND


def test_github_saves_the_store_that_it_restored_even_after_a_failed_gate_and_pull_requests_evict_none() -> None:
    steps = content(GITHUB)["jobs"]["compress"]["steps"]
    restored, saved = (next(step for step in steps if f"cache/{verb}@" in step.get("uses", "")) for verb in ("restore", "save"))
    assert restored["with"]["path"] == saved["with"]["path"] == ".unicomp-store"
    assert restored["with"]["key"] == saved["with"]["key"]
    assert saved["if"] == "always() && github.ref == 'refs/heads/main'"
    gate = next(place for place, step in enumerate(steps) if "unicomp gate" in step.get("run", ""))
    assert steps.index(restored) < gate < steps.index(saved)
    assert all(restored["with"]["key"].startswith(prefix) for prefix in restored["with"]["restore-keys"].split("\n") if prefix)


def test_gitlab_finds_the_store_again_under_whatever_versions_and_branch_it_was_saved() -> None:
    store = next(entry for entry in content(GITLAB)[".gate"]["cache"] if ".unicomp-store/" in entry["paths"])
    # A fallback key is taken as it stands, and is found only if some job saved under it.
    assert isinstance(store["key"], str)
    assert "$" not in store["key"]
    assert "fallback_keys" not in store
    assert store["when"] == "always"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_user_has_to_bring_is_named_with_the_command_that_makes_it(name: str) -> None:
    installs = [command for job in JOBS for command in scripts(name, job) if "pip install" in command]
    assert len(installs) == len(JOBS)
    assert all("-c constraints.txt" in command for command in installs)
    page = (EXAMPLES.parent / "docs" / "ci.md").read_text(encoding="utf-8").partition("## GitHub Actions")[0]
    for text in ((EXAMPLES / name).read_text(encoding="utf-8"), page):
        assert "pip list --format=freeze --exclude pytest-unicomp | sed 's/+[^ ]*$//' > constraints.txt" in text


def test_the_command_that_makes_constraints_leaves_nothing_that_pip_cannot_install_elsewhere(tmp_path: Path) -> None:
    listed = "torch==2.13.0+cpu\nnumpy==2.3.4\n"
    done = subprocess.run(["sed", "s/+[^ ]*$//"], input=listed, capture_output=True, text=True, check=True)
    assert done.stdout == "torch==2.13.0\nnumpy==2.3.4\n"


@pytest.mark.parametrize(("name", "job"), [(GITHUB, "compress"), *((GITLAB, job) for job in JOBS)])
def test_the_store_is_pruned_in_words_that_the_command_knows_before_it_is_saved(name: str, job: str) -> None:
    import typer

    from docs.tools.catalogue import commands
    from pytest_unicomp.cli import app

    prune = next(command for command in scripts(name, job) if "cache prune" in command)
    words = shlex.split(prune)[3:]
    context = dict(commands(typer.main.get_command(app)))["cache prune"].make_context("prune", list(words))
    assert str(context.params["cache"]) == ".unicomp-store"
    assert context.params["keep"] == "2GB"
    if name == GITHUB:
        names = [step.get("run", step.get("uses", "")) for step in content(name)["jobs"][job]["steps"]]
        assert names.index(prune) < next(place for place, text in enumerate(names) if "cache/save@" in text)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("source", "command"), [("s3://bucket/model/", "aws s3 sync"), ("org/model-w4a16", "hf download org/model-w4a16")])
def test_a_candidate_is_fetched_from_where_its_name_says(name: str, source: str, command: str, tmp_path: Path) -> None:
    fetch = next(text for text in scripts(name, "candidate") if text.startswith("case"))
    for program in ("aws", "hf"):
        (tmp_path / program).write_text(f'#!/bin/sh\necho {program} "$@"\n')
        (tmp_path / program).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CANDIDATE": source}
    done = subprocess.run(["bash", "-euc", fetch], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(command)
    assert source in done.stdout
    assert "candidate" in done.stdout


@pytest.mark.parametrize("job", JOBS)
def test_both_files_run_the_same_gates(job: str) -> None:
    def without_place(words: list[str]) -> list[str]:
        return [word for word in words if not word.endswith("unicomp-store")]

    assert without_place(gate_words(GITHUB, job)) == without_place(gate_words(GITLAB, job))


@pytest.mark.slow
def test_the_command_runs_in_an_empty_folder_with_nothing_but_the_wheel_and_leaves_what_is_kept_and_the_summary(tmp_path, wheel):
    site, folder, summary = tmp_path / "site", tmp_path / "empty", tmp_path / "summary.md"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    folder.mkdir()
    words = gate_words(GITHUB, "smoke")[1:]
    divider = words.index("--")
    words[divider:divider] = ["--recipe", "rtn-w8a16", "--limit", "40", "--benchmark", "nano-knowledge,bytes"]
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
