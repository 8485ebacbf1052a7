"""Habits of every command of `unicomp`: help with an example, JSON if there is data, one line and exit code 4 for bad input."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from docs.tools.catalogue import commands
from pytest_unicomp import cli
from pytest_unicomp import report as reports
from pytest_unicomp.cli import app
from tests.report.toy_report import small

COMMANDS = dict(commands(typer.main.get_command(app)))
# They run, or write pages or files: what they tell is progress, or is JSON already.
WITHOUT_DATA = {"gate", "report", "sign", "prefetch", "judge", "baselines show"}
DESIGNED = (
    "gate plan compare compare-recipes diff why report sign verify check-artifact score judge baselines prefetch selftest methods benchmarks "
    "cache doctor study"
)


def test_every_command_that_was_promised_is_there():
    assert {name.split()[0] for name in COMMANDS} == set(DESIGNED.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_that_names_the_command(name):
    text = " ".join(CliRunner().invoke(app, [*name.split(), "--help"]).output.split())
    assert "Example" in text
    assert f"unicomp {name} " in text or text.rstrip().endswith(f"unicomp {name}") or f"unicomp {name};" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_where_there_is_data_it_can_be_had_as_json(name):
    flags = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert ("--json" in flags) == (name not in WITHOUT_DATA)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `unicomp` in this process as the installed script would, and returns exit code, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["unicomp", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        told = capsys.readouterr()
        return left.value.code, told.out, told.err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ["gat"],
        ["gate"],
        ["gate", "nano", "--limt", "3"],
        ["plan", "nano", "--margin", "nan"],
        ["plan", "nano", "--recipe", "wanda-5"],
        ["compare", "nowhere.jsonl", "nowhere.jsonl"],
        ["compare", "only-one.jsonl"],
        ["diff", "nowhere.json", "nowhere.json"],
        ["report", "nowhere.json", "-o", "page.html"],
        ["report", "nowhere.json"],
        ["verify", "nowhere.json"],
        ["check-artifact", "nowhere", "--against", "nano"],
        ["score"],
        ["score", "nowhere.json"],
        ["judge", "nothing"],
        ["baselines", "list", "--baselines", "nowhere"],
        ["baselines", "show", "nano", "wanda-50", "nothing"],
        ["baselines", "accept", "nowhere.json"],
        ["prefetch", "--bundle", "b"],
        ["prefetch", "--bundle", "b", "--benchmark", "nothing"],
        ["selftest", "nowhere.json"],
        ["cache", "prune"],
        ["cache", "clear", "nobody/nothing", "--cache", "nowhere"],
        ["cache", "prune", "--older-than", "soon"],
        ["benchmarks", "--jsn"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_code_4(command, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*words)
    assert code == 4, err
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("unicomp: ")
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_one_line_and_exit_code_7(command, tmp_path, monkeypatch):
    reports.write(small(), tmp_path / "a.json")

    def full(*words):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(reports, "write", full)
    code, out, err = command("report", str(tmp_path / "a.json"), "-o", str(tmp_path / "o.html"))
    assert (code, out) == (7, "")
    assert err == f"unicomp: {tmp_path / 'o.html'} was not written: No space left on device; choose another place.\n"
    # Wherever else it comes from.
    monkeypatch.setattr("pytest_unicomp.report.json.read", full)
    code, out, err = command("score", str(tmp_path / "a.json"))
    assert (code, out, err) == (7, "", "unicomp: [Errno 28] No space left on device: 'somewhere'\n")


def test_exit_codes_of_commands_pass_through(command, tmp_path):
    reports.write(small(), tmp_path / "a.json")
    code, out, _ = command("diff", str(tmp_path / "a.json"), str(tmp_path / "a.json"), "--json")
    assert (code, json.loads(out)["exit_code"]) == (0, 0)
    code, _, _ = command("verify", str(tmp_path / "a.json"), "--cache", str(tmp_path / "store"))
    assert code in (1, 7)
    assert command("--help")[0] == 0
    code, _, err = command("cache")
    assert code == 4
    assert "Commands:" in err


def test_the_command_is_installed_under_its_name():
    done = subprocess.run(
        [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", "benchmarks"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
