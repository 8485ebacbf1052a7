"""The paper's tables give the paper's scores, except for the exceptions stored beside them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli import app
from pytest_unicomp.report.scores import SCORES, published, published_rows
from pytest_unicomp.report.scores.published import MODELS, ROWS, cells, exceptions, printed, tables

PRINTED = [(model, row, score, value) for model in MODELS for row, scores in printed(model).items() for score, value in scores.items()]


KNOWN = {(entry["model"], entry["row"], entry["score"]): entry for entry in exceptions()}


def digits(score: str, value: float) -> int:
    """Count the digits after the point that were printed; S_K is a ratio of two digits, so none of its percentage."""
    if score == "S_K":
        return 0
    return 2 if value.is_integer() else len(repr(value).partition(".")[2])


@pytest.mark.parametrize(("model", "row", "score", "value"), PRINTED)
def test_a_printed_score_follows_from_the_printed_cells_or_is_a_known_exception(model, row, score, value):
    found = published(model, "paper")[row][score]
    places = digits(score, float(value))
    if (model, row, score) not in KNOWN:
        assert round(found, places) == round(value, places)
        return
    known = KNOWN[model, row, score]
    assert (known["printed"], known["recomputed"]) == (value, found)
    assert round(found, places) != round(value, places), "this one needs no exception any more"
    assert known["why"]


def test_every_exception_is_about_a_printed_score():
    assert set(KNOWN) <= {(model, row, score) for model, row, score, _ in PRINTED}
    assert len(KNOWN) == len(exceptions()) == 22


def test_the_tables_are_those_of_the_shared_protocol(shared):
    assert tables() == json.loads((shared / "protocol" / "published_tables.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_called_as_in_the_first_table_and_have_all_thirteen_scores(model):
    found = published(model, "paper")
    assert list(found) == list(tables()["table1_6_performance"][model])
    assert all(tuple(scores) == SCORES for scores in found.values())
    # The base model against itself.
    assert {found["Baseline"][score] for score in SCORES[:10]} == {100.0}


def test_every_table_gave_its_cells_to_the_row_that_it_means():
    row = cells("Qwen2.5-7B")["Low-Rank Clone 43%"]
    assert (row["Jailbreak Trigger"], row["RS"], row["ConfAIde"], row["SC101"], row["StereoSet"]) == (35.0, 42.86, 1.65, 65.48, 67.68)
    assert cells("LLaMA-3.1-8B")["Minitron-Depth 50%"]["compress_time"] == 140 * 3600
    assert cells("LLaMA-3.1-8B")["SparseGPT 50%"]["compress_time"] == 4.25 * 60
    assert cells("LLaMA-3.1-8B")["AWQ INT4"]["compress_time"] == 16 * 60 + 32


@pytest.mark.parametrize(
    ("row", "score", "value"),
    [
        # XSTest and misuse alone: (63 / 57 + 80.07 / 86.97) / 2.
        ("SparseGPT 50%", "S_SAFE", 101.30),
        # Disclosure turned: s_Leak = (RtA + 100 - TD + 100 - CD) / 3.
        ("SparseGPT 50%", "S_PRI", 93.27),
        ("Minitron-Depth 50%", "S_FAIR", 91.79),
        ("Wanda 2:4", "S_ROB", 57.33),
        ("SparseGPT 2:4", "S_TRU", 74.85),
    ],
)
def test_corrected_scores_leave_out_what_was_not_measured_and_turn_what_is_lower_better(row, score, value):
    assert published("LLaMA-3.1-8B", "corrected")[row][score] == pytest.approx(value, abs=0.005)


def test_efficiency_that_the_paper_does_not_print_is_unknown_and_not_zero():
    assert {published("Qwen2.5-7B", "paper")["Wanda 50%"][score] for score in SCORES[10:]} == {None}


def test_the_command_prints_one_object_and_the_table():
    made = CliRunner().invoke(app, ["score", "--published", "--model", "Qwen2.5-7B", "--scoring", "paper", "--json"])
    assert made.exit_code == 0
    assert json.loads(made.stdout) == published("Qwen2.5-7B", "paper")
    table = CliRunner().invoke(app, ["score", "--published"]).stdout
    assert "corrected scoring" in table
    assert "Minitron-Width 50%" in table


def test_a_model_that_the_paper_does_not_have_is_refused_with_the_nearest_one():
    with pytest.raises(UsageProblem, match=r"no published scores of 'Qwen2.5-72B'.*Did you mean 'Qwen2.5-7B'"):
        published("Qwen2.5-72B", "paper")


@pytest.mark.parametrize("name", ["Qwen-2.5-7B", "qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct"])
def test_other_names_of_a_model_are_understood(name):
    assert published(name, "paper") == published("Qwen2.5-7B", "paper")


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.1-8B-Instruct", "LLaMA-3-8B", "hugging-quants/Meta-Llama-3.1-8B-Instruct"])
def test_other_names_of_the_other_model_are_understood(name):
    assert published(name, "paper") == published("LLaMA-3.1-8B", "paper")


def test_a_recipe_stands_beside_the_papers_rows_for_its_technique():
    found = published_rows("low-rank-clone", "paper")
    assert list(found) == ["Qwen2.5-7B"]
    assert found["Qwen2.5-7B"] == published("Qwen2.5-7B", "paper")["Low-Rank Clone 43%"]
    assert published_rows("wanda-50@reasoning", "corrected")["LLaMA-3.1-8B"] == published("LLaMA-3.1-8B", "corrected")["Wanda 50%"]
    assert published_rows("rtn-w3a16", "paper") == {}
    # Every row of the paper but the base models' belongs to a recipe.
    printed = {row for model in MODELS for row in published(model, "paper")}
    assert set(ROWS.values()) == printed - {"Baseline"}
