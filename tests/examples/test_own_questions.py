"""The example of a user's own questions is what the page shows; it is planned, gated and verified on the embedded model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own-questions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "questions"))


def unicomp(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from pytest_unicomp.cli import main; sys.argv[0] = 'unicomp'; main()"
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, cwd=folder, env={**os.environ}, capture_output=True, text=True, check=False)


def test_the_page_shows_the_file_of_the_example() -> None:
    page = (ROOT / "docs" / "own-questions.md").read_text(encoding="utf-8")
    shown = page.split("<!-- own-questions:start -->")[1].split("<!-- own-questions:end -->")[0]
    assert shown.strip() == f"```toml\n{(EXAMPLE / 'unicomp.toml').read_text(encoding='utf-8').strip()}\n```"


def test_the_plan_counts_the_questions_of_the_file(folder: Path) -> None:
    rows = json.loads(unicomp(folder, "plan", "nano", "--recipe", "rtn-w8a16", "--benchmark", "people", "--json").stdout)
    (row,) = [row for row in rows if row["benchmark"] == "people"]
    assert (row["items"], row["capability"], row["margin"]) == (60, "knowledge", 0.1)


def test_a_wrong_line_ends_the_plan_with_its_place_and_exit_code_4(folder: Path) -> None:
    with (folder / "people.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"prompt": "Who?", "anwser": "me"}\n')
    ended = unicomp(folder, "plan", "nano", "--recipe", "rtn-w8a16", "--benchmark", "people")
    assert ended.returncode == 4
    assert "people.jsonl:61: 'anwser' is no field of a question" in ended.stderr
    assert "Did you mean 'answer'" in ended.stderr


@pytest.mark.slow
def test_the_example_gates_the_embedded_model_and_its_report_verifies(folder: Path) -> None:
    ended = unicomp(
        folder, "gate", "nano", "--recipe", "rtn-w8a16", "--benchmark", "people,people-choice", "--cache", "store", "--report", "gate.json"
    )
    report = json.loads((folder / "gate.json").read_text(encoding="utf-8"))
    checks = {(check["benchmark"], check["question"]): check for check in report["checks"]}
    assert checks["people", "must_pass"]["verdict"] == "pass", ended.stdout
    assert checks["people", "retention"]["reference"]["value"] > 0.8
    assert checks["people", "retention"]["n"] == 60
    assert checks["people-choice", "retention"]["reference"]["value"] > 0.8
    assert checks["people-choice", "retention"]["chance"] == pytest.approx(0.25, abs=0.01)
    assert report["policy"]["margins"] == {"people": 0.1}
    verified = unicomp(folder, "verify", "gate.json", "--cache", "store")
    assert verified.returncode == 0, verified.stdout + verified.stderr
