"""`unicomp gate` and `unicomp plan`: options on the way to pytest, and the report that a gate writes."""

import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli import app
from pytest_unicomp.cli.gate import with_default_reports, with_model
from pytest_unicomp.cli.run_options import option_lines, pytest_arguments
from pytest_unicomp.config.settings import options


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_options_become_the_plugins_flags_and_the_rest_goes_to_pytest():
    assert pytest_arguments(["--limit", "20", "--recipe=a,b", "--", "-k", "reasoning"]) == [
        "--unicomp-limit=20",
        "--unicomp-recipe=a,b",
        "-k",
        "reasoning",
    ]
    assert pytest_arguments(["--unicomp-benchmark-margin", "0.1"]) == ["--unicomp-benchmark-margin=0.1"]


def test_an_unknown_option_is_answered_with_the_nearest_and_a_missing_value_is_named():
    with pytest.raises(UsageProblem, match=r"'--limt' is not an option of gate\. Did you mean 'limit'"):
        pytest_arguments(["--limt", "20"])
    with pytest.raises(UsageProblem, match="--limit needs a value"):
        pytest_arguments(["--limit"])


def test_the_plan_lists_cells_and_starts_nothing(tmp_path):
    done = run("plan", "nano", "--recipe=wanda-50", f"--cache={tmp_path / 'store'}", "--benchmark=nano-reasoning,bytes", "--json")
    assert [(row["recipe"], row["benchmark"]) for row in json.loads(done.output)] == [("wanda-50", "nano-reasoning"), ("wanda-50", "bytes")]
    assert not (tmp_path / "store").exists()


def test_the_gate_ends_with_pytests_own_exit_code(capfd):
    done = run("gate", "nano", "--limit", "-3")
    assert done.exit_code == 4
    assert "--unicomp-limit is '-3'" in capfd.readouterr().err


def test_help_names_every_option_with_its_default():
    text = " ".join(run("gate", "--help").output.split())
    assert "--limit N items per benchmark, or `all` [default: 1000]" in text
    assert "unicomp gate nano --recipe gptq-w4a16" in text


def test_a_gate_without_a_report_is_given_one_in_this_folder(tmp_path):
    assert with_default_reports(["--unicomp-limit=5", "-k", "x"], tmp_path) == [
        "--unicomp-report=gate.json",
        "--unicomp-report=gate.html",
        "--unicomp-limit=5",
        "-k",
        "x",
    ]


@pytest.mark.parametrize("arguments", [["--unicomp-report=a.md"], ["-k", "x", "--unicomp-report=a.md"]])
def test_a_report_that_is_named_is_the_only_one(tmp_path, arguments):
    assert with_default_reports(arguments, tmp_path) == arguments


@pytest.mark.parametrize("where", ["unicomp.toml", "named.toml", "pyproject.toml"])
def test_a_report_that_the_configuration_names_is_the_only_one(tmp_path, where):
    head = "[tool.unicomp]\n" if where == "pyproject.toml" else ""
    (tmp_path / where).write_text(f'{head}report = ["a.md"]\n')
    arguments = [f"--unicomp-config={tmp_path / where}"] if where == "named.toml" else []
    assert with_default_reports(arguments, tmp_path) == arguments


def test_a_folder_that_cannot_be_written_has_no_report_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert with_default_reports([], tmp_path) == []
    assert "is not writable, so no report is written; name one with --report" in capsys.readouterr().err


def test_a_gate_does_not_heed_the_pytest_settings_of_the_project_around_it(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["--no-such-flag"]\n')
    (tmp_path / "conftest.py").write_text("raise RuntimeError('somebody else')\n")
    words = ["gate", "nano", "--recipe", "rtn-w8a16", "--benchmark", "bytes", "--", "--collect-only", "-v"]
    done = subprocess.run(
        [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The suites lie in this repository, whose own settings are no business of a gate either.
    assert f"rootdir: {tmp_path}" in done.stdout
    assert "pyproject.toml" not in done.stdout


def test_a_gate_begins_with_what_it_measures_and_pytests_header_is_there_on_request(monkeypatch):
    started = []
    monkeypatch.setattr("pytest_unicomp.cli.commands.gate_process.ended_with", lambda words: started.append(words) or 0)
    run("gate", "nano", "--limit=5")
    run("gate", "nano", "--limit=5", "--", "-v")
    assert ["--no-header" in words for words in started] == [True, False]


def test_help_has_a_row_for_every_option_but_the_model_with_the_kind_of_its_value():
    lines = option_lines().splitlines()
    assert max(map(len, lines)) <= 100
    rows = [line.split() for line in lines if line.startswith("  --") and not line.startswith("  -- ")]
    assert sorted(row[0].removeprefix("--").replace("-", "_") for row in rows) == sorted(
        [*(option.name for option in options() if option.name != "model"), "config"]
    )
    assert ["--limit", "N"] in [row[:2] for row in rows]
    assert ["--inconclusive", "fail|warn"] in [row[:2] for row in rows]
    assert any(line.startswith("  -- ARGUMENTS") for line in lines)


def test_a_gate_without_a_model_takes_that_of_the_file(tmp_path):
    (tmp_path / "unicomp.toml").write_text('model = "nano"\n')
    assert with_model(None, [], tmp_path) == ("nano", [])
    assert with_model("--limit", ["20", "--", "-k", "x"], tmp_path) == ("nano", ["--unicomp-limit=20", "-k", "x"])
    assert with_model("base", ["--limit=20"], tmp_path) == ("base", ["--unicomp-limit=20"])


def test_a_gate_without_any_model_says_where_to_name_one(tmp_path):
    with pytest.raises(UsageProblem, match=r"no model: give one, as in `unicomp gate nano`, or `model = \.\.\.` in unicomp\.toml"):
        with_model(None, [], tmp_path)


def test_the_version_is_printed():
    assert re.fullmatch(r"pytest-unicomp \d+\.\d+\S*", run("--version").output.strip())


def test_a_switch_takes_no_value_and_no_argument():
    assert pytest_arguments(["--sequential", "--limit", "3"]) == ["--unicomp-sequential", "--unicomp-limit=3"]
    with pytest.raises(UsageProblem, match="--sequential takes no value"):
        pytest_arguments(["--sequential=yes"])


def test_a_plan_in_words_fits_a_page_and_counts_the_items_of_a_small_set(tmp_path):
    done = run("plan", "nano", "--benchmark=nano-fairness,nano-knowledge", f"--cache={tmp_path / 'store'}")
    assert max(map(len, done.output.splitlines())) <= 100
    assert "fairness: cannot decide 3 points: 500 items of about" in done.output
    assert "knowledge: sees losses of" in done.output
    assert "of evaluation" in done.output
