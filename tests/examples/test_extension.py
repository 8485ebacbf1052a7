"""A recipe and a benchmark from outside: the example package, installed as a stranger's would be, gates the embedded model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

EXTENSION = EXAMPLES / "extension"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process that sees the package, which pip built and installed without a network."""
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*command, str(EXTENSION)], check=True, capture_output=True, text=True)
    paths = [str(target), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def unicomp(words, environment, folder):
    program = "import sys; from pytest_unicomp.cli import main; sys.argv[0] = 'unicomp'; main()"
    return subprocess.run([sys.executable, "-c", program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_each_is_one_file_named_by_one_entry_point():
    points = tomllib.loads((EXTENSION / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert points == {
        "pytest_unicomp.methods": {"low_rank": "unicomp_low_rank"},
        "pytest_unicomp.benchmarks": {"own_questions": "unicomp_own_questions"},
    }
    assert {path.stem for path in EXTENSION.glob("*.py")} == {"unicomp_low_rank", "unicomp_own_questions"}


@pytest.mark.slow
def test_an_installed_recipe_and_benchmark_are_listed_and_really_gate(installed, tmp_path):
    listed = json.loads(unicomp(["methods", "--json"], installed, tmp_path).stdout)
    assert next(row for row in listed if row["recipe"] == "low-rank-50")["settings"] == {"rank": 0.5}
    assert "low-rank-50" not in {row["recipe"] for row in json.loads(unicomp(["methods", "--json"], dict(os.environ), tmp_path).stdout)}

    plan = unicomp(["plan", "nano", "--recipe", "low-rank-50", "--benchmark", "own-questions"], installed, tmp_path).stdout
    assert "in all if the cores are idle" in plan
    assert ["low-rank-50", "own-questions", "60"] in [line.split()[:3] for line in plan.splitlines()]
    words = ["gate", "nano", "--recipe", "low-rank-50", "--inform", "rtn-w8a16", "--benchmark", "own-questions", "--profile", "smoke"]
    done = unicomp([*words, "--cache", str(tmp_path / "store")], installed, tmp_path)
    answer = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    recipes = {recipe["recipe"]: recipe for recipe in answer["recipes"]}
    checks = {check["recipe"]: check for check in answer["checks"] if check["question"] == "retention"}
    assert recipes["low-rank-50"]["settings"] == {"method": "low-rank", "rank": 0.5}
    # Half of the singular values are not enough for this model: the loss is seen, and the verdict is the stranger's recipe's.
    assert checks["low-rank-50"]["reference"]["value"] > 0.7
    assert (checks["low-rank-50"]["verdict"], done.returncode) == ("fail", 1), done.stdout
    assert checks["low-rank-50"]["n"] == 60
    assert abs(checks["rtn-w8a16"]["difference"]) < 0.05
    assert (
        next(check for check in answer["checks"] if check["question"] == "artifact" and check["recipe"] == "low-rank-50")["verdict"]
        == "pass"
    )
