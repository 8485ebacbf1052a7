"""The table of losses on nano's page is made from a report's own checks."""

from __future__ import annotations

import json

import pytest

from pytest_unicomp.nano import losses


def check(recipe, benchmark, value, difference, question="retention"):
    return {
        "recipe": recipe,
        "benchmark": benchmark,
        "question": question,
        "n": 1000,
        "reference": {"value": value, "stderr": 0.01},
        "difference": difference,
        "interval": [difference - 0.01, difference + 0.02],
    }


@pytest.fixture
def report():
    names = [name for group in losses.GROUPS.values() for name in group]
    checks = [check(recipe, name, 0.5, -0.1 * place) for place, recipe in enumerate(("dense", "mild", "harsh")) for name in names]
    checks.append(check("harsh", "nano-reasoning", 0.9, 0.7, question="drift"))
    return {"recipes": [{"recipe": recipe} for recipe in ("dense", "mild", "harsh")], "checks": checks}


def test_each_recipe_has_its_difference_and_interval_in_points_and_nats(report):
    table = losses.tables(report)
    (harsh,) = [line for line in table.splitlines() if line.startswith("| harsh") and line.count("|") == 7 and "0.200" in line]
    assert harsh.split(" | ")[3] == "-20.0 [-21.0, -18.0]"
    assert harsh.split(" | ")[5] == "-0.200 [-0.210, -0.180] |"
    assert "| items | 1,000 | " in table
    assert "| nano itself | 50.0 | " in table
    assert "dense" not in table


def test_only_what_stands_between_the_markers_is_replaced(report, tmp_path):
    page, source = tmp_path / "page.md", tmp_path / "gate.json"
    source.write_text(json.dumps(report))
    page.write_text(f"before\n{losses.START}old\n{losses.END}after\n")
    losses.main([str(source), str(page)])
    text = page.read_text()
    assert text.startswith(f"before\n{losses.START}| ")
    assert text.endswith(f"{losses.END}after\n")
    assert "old" not in text


def test_a_page_without_markers_is_left_alone(report, tmp_path, capsys):
    page, source = tmp_path / "page.md", tmp_path / "gate.json"
    source.write_text(json.dumps(report))
    page.write_text("nothing here\n")
    with pytest.raises(SystemExit):
        losses.main([str(source), str(page)])
    assert page.read_text() == "nothing here\n"
    assert "has no <!-- losses:start -->" in capsys.readouterr().err
