"""What is no file of its kind is one line and exit code 4 of every command that reads it: never 1, which reads as FAIL, never a trace or a hang."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from pytest_unicomp import cli
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.store.baselines import packaged

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
REPORT, ITEMS = CORPUS / "report" / "whole.json", CORPUS / "items" / "whole.jsonl"
BASELINE = packaged() / "nano" / "gptq-w4a16" / "nano-knowledge.json"
CONTENTS = {
    "null": b"null",
    "a list": b"[]",
    "a list of null": b"[null]",
    "a text": b'"x"',
    "a number": b"7",
    "empty": b"",
    "no UTF-8": b"\xff\xfe\x00\x01",
    "lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "NaN": b'{"schema": NaN}',
    "a number of many digits": b'{"schema": ' + b"9" * 5000 + b"}",
    "a key twice": b'{"schema": 1, "schema": 2}',
    "zeros": b"\0" * 64,
    "a page": b"<!doctype html>",
    "other values": b'{"schema": [], "model_type": 3, "checks": null, "items": {}}',
}
KINDS = [*CONTENTS, "half of it", "a folder", "a pipe", "a device", "a link to itself", "a link to nothing"]


def spoil(path: Path, kind: str, whole: bytes) -> None:
    """Write what is no file of its kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind.startswith(("a link", "a device")):
        path.symlink_to({"a device": "/dev/zero", "a link to itself": path.name, "a link to nothing": "nothing"}[kind])
    else:
        path.write_bytes(whole[: len(whole) // 2] if kind == "half of it" else CONTENTS[kind])


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs `unicomp` in this process as the installed script would, in an empty folder, and returns exit code and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["unicomp", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, capsys.readouterr().err.strip()

    return run


def assert_refused(answer, path):
    code, words = answer
    assert code == 4, words
    assert len(words.splitlines()) == 1
    assert words.startswith("unicomp: ")
    assert path.name in words


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "words",
    [
        ("report", "F", "-o", "page.html"),
        ("score", "F"),
        ("verify", "F", "--cache", "store"),
        ("sign", "F", "--key", "key"),
        ("diff", "F", REPORT),
        ("diff", REPORT, "F"),
        ("selftest", "F"),
        ("baselines", "accept", "F"),
    ],
    ids=lambda words: " ".join("REPORT" if word is REPORT else word for word in words[:3]),
)
def test_what_is_no_report_is_refused_in_one_line(command, tmp_path, kind, words):
    file = tmp_path / "broken.json"
    spoil(file, kind, REPORT.read_bytes())
    assert_refused(command(*[file if word == "F" else word for word in words]), file)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_list_of_scores_is_refused_in_one_line(command, tmp_path, kind):
    file = tmp_path / "broken.jsonl"
    # Half of it is whole lines and half a line.
    spoil(file, kind, ITEMS.read_bytes())
    assert_refused(command("compare", ITEMS, file), file)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_baseline_is_refused_in_one_line(command, tmp_path, kind):
    file = tmp_path / "kept" / "nano" / "gptq-w4a16" / "nano-knowledge.json"
    spoil(file, kind, BASELINE.read_bytes())
    assert_refused(command("baselines", "list", "--baselines", tmp_path / "kept"), file)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("other values", "a key twice")])
def test_what_is_no_configuration_of_a_checkpoint_is_refused_in_one_line(command, tmp_path, kind):
    folder = shutil.copytree(hub.resolve("nano", None), tmp_path / "shipped", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = folder / "config.json"
    spoil(file, kind, file.read_bytes())
    code, words = command("check-artifact", folder, "--against", "nano")
    assert (code, len(words.splitlines())) == (4, 1), words
    assert "config.json" in words


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "empty"])
def test_what_is_no_settings_file_is_refused_in_one_line(command, tmp_path, kind):
    file = tmp_path / "broken.toml"
    spoil(file, kind, b'model = ["nano"]')
    assert_refused(command("plan", "nano", "--config", file), file)
