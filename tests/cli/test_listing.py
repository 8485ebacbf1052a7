"""`unicomp methods` and `unicomp benchmarks`."""

import json

from typer.testing import CliRunner

from pytest_unicomp.api.registry import benchmarks, methods
from pytest_unicomp.cli import app


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_methods_and_benchmarks_are_lists_of_objects():
    rows = json.loads(run("methods", "--json").output)
    assert [row["recipe"] for row in rows] == list(methods())
    assert all(row["available"] is True for row in rows)
    rows = json.loads(run("benchmarks", "--json").output)
    assert [row["benchmark"] for row in rows] == list(benchmarks())
    assert {row["capability"] for row in rows} >= {"knowledge", "reasoning", "safety", "inference_footprint"}


def test_recipes_of_the_configuration_file_in_this_folder_are_listed_too(tmp_path, monkeypatch):
    (tmp_path / "unicomp.toml").write_text('[recipes.mine]\nmethod = "magnitude"\nsparsity = 0.25\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    row = next(row for row in json.loads(run("methods", "--json").output) if row["recipe"] == "mine")
    assert (row["method"], row["settings"]["sparsity"]) == ("magnitude", 0.25)


def test_an_architecture_that_a_recipe_does_not_support_has_its_reason():
    rows = json.loads(run("methods", "--json").output)
    refused = {name: reason for row in rows for name, reason in row["architectures"].items() if reason}
    assert refused
    exceptions = next(row for row in rows if row["takes"] != "all")
    assert set(exceptions["takes"].removeprefix("all but ").split(", ")) == {
        name for name, reason in exceptions["architectures"].items() if reason
    }
