"""The benchmarks that a configuration file defines stand beside the registry's, and what is wrong has its file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks import configured
from pytest_unicomp.benchmarks.own.benchmark import QuestionFile
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings
from tests.benchmarks.own.test_file import written


def settings(folder: Path, text: str, **flags: Any) -> Settings:
    path = folder / "unicomp.toml"
    path.write_text(text, encoding="utf-8")
    file, locations = read_file(path)
    return resolve({"model": "nano", **flags}, file, locations=locations)


def test_a_definition_is_a_benchmark_beside_the_others(tmp_path: Path) -> None:
    written(tmp_path, {"prompt": "x", "answer": "y"})
    text = '[benchmarks.desk]\nfile = "questions.jsonl"\nscorer = "normalized"\ncapability = "reasoning"\ntokens = 7\n'
    found = configured.of(settings(tmp_path, text))
    assert set(found) == {*benchmarks(), "desk"}
    entry = found["desk"]
    assert isinstance(entry, QuestionFile)
    assert (entry.file, entry.capability, entry.tokens, entry.metric) == (tmp_path / "questions.jsonl", "reasoning", 7, "correct")
    assert "desk" not in benchmarks()


def test_capability_is_other_unless_it_is_said(tmp_path: Path) -> None:
    entry = configured.of(settings(tmp_path, '[benchmarks.desk]\nfile = "a.jsonl"\nscorer = "exact"\n'))["desk"]
    assert (entry.capability, entry.dimension) == ("other", "performance")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[benchmarks]\ndesk = 3\n", "unicomp.toml:2: benchmarks.desk: benchmark 'desk' is 3; expected a table"),
        ('[benchmarks.desk]\nscorer = "exact"\n', "unicomp.toml:1: benchmarks.desk: file is missing; expected the path"),
        ('[benchmarks.desk]\nfile = "x"\n', "unicomp.toml:1: benchmarks.desk: scorer is missing; expected one of choice, exact"),
        ('[benchmarks.desk]\nfile = "x"\nscorer = "exakt"\n', "unicomp.toml:3: benchmarks.desk.scorer is 'exakt'; expected one of choice"),
        (
            '[benchmarks.desk]\nfile = "x"\nscorer = "exact"\ncolour = 1\n',
            "unicomp.toml:4: benchmarks.desk.colour: no setting named 'colour'",
        ),
        ('[benchmarks.desk]\nfile = 3\nscorer = "exact"\n', "unicomp.toml:2: benchmarks.desk.file is 3; expected a text"),
        (
            '[benchmarks.desk]\nfile = "x"\nscorer = "exact"\ntokens = 0\n',
            "unicomp.toml:4: benchmarks.desk.tokens is 0; expected a whole number",
        ),
        ('[benchmarks.desk]\nfile = "x"\nscorer = "exact"\nmargin = 2\n', "unicomp.toml:4: benchmarks.desk.margin is 2; expected a number"),
        (
            '[benchmarks.desk]\nfile = "x"\nscorer = "exact"\ncapability = "bytes"\n',
            "unicomp.toml:4: benchmarks.desk.capability is 'bytes'",
        ),
        (
            '[benchmarks.arc_easy]\nfile = "x"\nscorer = "exact"\n',
            "unicomp.toml:1: benchmarks.arc_easy: benchmark 'arc_easy' exists already",
        ),
        ('[benchmarks.paper]\nfile = "x"\nscorer = "exact"\n', "benchmark 'paper' exists already"),
        ('[benchmarks."a b"]\nfile = "x"\nscorer = "exact"\n', "has a name that cannot be a file's"),
        ("benchmarks = 3\n", "unicomp.toml:1: benchmarks is 3; expected a table of benchmarks by name"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        configured.of(settings(tmp_path, text))
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_margins_and_must_pass_items_of_a_definition_join_the_policy(tmp_path: Path) -> None:
    written(tmp_path, {"id": "a[1]", "prompt": "x", "answer": "y", "must_pass": True}, {"prompt": "z", "answer": "y"})
    text = '[benchmarks.desk]\nfile = "questions.jsonl"\nscorer = "exact"\nmargin = 0.2\n[margins]\nreasoning = 0.1\n'
    given = settings(tmp_path, text, benchmark=["desk"])
    found = configured.with_policy(given, configured.of(given))
    assert found.margins == {"desk": 0.2, "reasoning": 0.1}
    assert found.must_pass == {"desk": ("a[[]1]",)}
    assert found.location("margins", "desk").endswith("unicomp.toml:4: benchmarks.desk.margin")


def test_a_margin_in_the_policy_wins_over_that_of_the_definition(tmp_path: Path) -> None:
    text = '[benchmarks.desk]\nfile = "questions.jsonl"\nscorer = "exact"\nmargin = 0.2\n[margins]\ndesk = 0.1\n'
    given = settings(tmp_path, text)
    assert configured.with_policy(given, configured.of(given)).margins == {"desk": 0.1}
