"""The study of SmolLM2 must measure what is missing and nothing else, refuse edited evidence, and write its page from what is stored alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.study import gold, made, page, protocol, published, report
from benchmarks.study.__main__ import main, run
from benchmarks.study.judged import Judged, judge
from benchmarks.study.made import Made
from benchmarks.study.measure import Place, settings
from benchmarks.study.protocol import DENSE, MODEL, StudyCell
from benchmarks.study.stored import read
from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.api.registry import benchmarks, methods
from pytest_unicomp.cli.verify import verify
from pytest_unicomp.store.baselines import Baselines
from pytest_unicomp.store.local import Store
from tests.toys import artifact, measurement

ITEMS = 100
# Of so many items right, in order: the reference, one that keeps, one that loses, and the latter with the target's text.
RIGHT = {DENSE: 70, "rtn-w8a16": 70, "wanda-50": 30, "wanda-50@reasoning": 50, "rtn-w3a16": 25}


def of(benchmark: str, right: int, *, artifact: str, limit: int = ITEMS) -> Measurement:
    entry = benchmarks()[benchmark]
    made = measurement([1.0] * right + [0.0] * (limit - right), artifact=artifact, benchmark=benchmark)
    conditions = made.conditions.model_copy(update={"limit": limit, "metric": entry.metric})
    return made.model_copy(
        update={"capability": entry.capability, "chance": entry.chance, "metric": entry.metric, "conditions": conditions}
    )


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    for number, (recipe, right) in enumerate(RIGHT.items()):
        method = methods()[recipe.partition("@")[0]]
        found = artifact(
            "", recipe=recipe, family=method.family, fingerprint=f"{number}" * 8, settings={"method": method.method}, compress_seconds=90.0
        )
        made.keep(Made(recipe=recipe, artifact=found, load=3.0), made.file_in(folder, MODEL))
        for benchmark in ("arc_easy", "piqa"):
            Baselines(folder, folder).write(MODEL, recipe, of(benchmark, right, artifact=f"{number}" * 8))
        # The reference answers a quarter of four options right, which is chance.
        Baselines(folder, folder).write(MODEL, recipe, of("truthfulqa_mc1", 22 if recipe == DENSE else 20, artifact=f"{number}" * 8))
    return folder


def rows(table: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if line.startswith("|")]
    return {cell[0].strip("` "): cell[1:] for cell in cells[2:]}


# What is measured, and in which order


def test_each_cell_is_in_the_order_once_and_the_published_scores_come_first():
    cells = protocol.cells()
    assert len(cells) == len(set(cells))
    first = len(published.PUBLISHED)
    assert {cell.benchmark for cell in cells[:first]} == {figure.benchmark for figure in published.PUBLISHED}
    assert {cell.recipe for cell in cells[:first]} == {DENSE}
    # Whatever is compared with the reference, on its items alone.
    dense = {cell.benchmark: cell for cell in cells if cell.recipe == DENSE}
    assert all(dense[cell.benchmark].items >= cell.items for cell in cells)


def test_every_recipe_of_the_package_is_asked_and_only_calibrated_ones_again():
    asked = {cell.recipe for cell in protocol.cells()}
    assert asked == set(methods())
    again = {cell.recipe for cell in protocol.cells() if cell.name != cell.recipe}
    assert all(methods()[name].calibrated for name in again)
    assert {methods()[name].family for name in again} == {"pruning", "quantization"}


@pytest.mark.parametrize(("flag", "name"), [("--recipe", "gptq-w4"), ("--recipe", "rtn-w8a16@reasoning"), ("--benchmark", "arc")])
def test_a_name_that_the_study_does_not_have_is_refused_before_anything_is_measured(tmp_path, capsys, flag, name):
    with pytest.raises(SystemExit, match="2"):
        main([flag, name, "--evidence", str(tmp_path)])
    assert f"{name} is no part of the study; expected one or more of " in capsys.readouterr().err


def test_the_end_says_how_many_cells_are_missing(evidence, capsys):
    run([StudyCell("rtn-w8a16", "arc_easy", ITEMS)], Place(evidence))
    assert capsys.readouterr().out == "unicomp: none of 1 cells are missing\n"


def test_a_page_without_evidence_says_plainly_that_nothing_is_measured(tmp_path):
    assert page.TABLES["study-coverage"](judge(read(tmp_path))).startswith("**Nothing is measured yet**: none of ")


# Skipping what is stored


def test_a_stored_cell_is_not_measured_again_unless_it_has_other_items(evidence):
    place = Place(evidence)
    cell = StudyCell("rtn-w8a16", "arc_easy", ITEMS)
    assert place.has(cell)
    assert not place.has(replace(cell, items=ITEMS + 1))
    assert not place.has(replace(cell, benchmark="hellaswag"))


def test_a_recipe_that_was_refused_is_not_tried_again(evidence):
    made.keep(Made(recipe="reap-25", refused="it has no experts"), made.file_in(evidence, MODEL))
    assert Place(evidence).has(StudyCell("reap-25", "hellaswag", ITEMS))
    assert "it has no experts" in page.TABLES["study-refusals"](judge(read(evidence)))


def test_a_line_that_was_cut_is_left_out_and_the_next_begins_a_new_one(tmp_path):
    file = tmp_path / "recipes.jsonl"
    made.keep(Made(recipe="one"), file)
    file.write_bytes(file.read_bytes() + b'{"recipe": "tw')
    assert list(made.read(file)) == ["one"]
    made.keep(Made(recipe="three"), file)
    assert list(made.read(file)) == ["one", "three"]


@pytest.mark.slow
def test_cells_of_the_embedded_model_are_measured_kept_and_then_left_alone(tmp_path, capsys):
    place = Place(tmp_path / "evidence", cache=tmp_path / "store", model="nano")
    cells = [StudyCell(recipe, "nano-knowledge", 20) for recipe in (DENSE, "rtn-w8a16", "reap-25")]
    run(cells, place)
    first = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in first if line.startswith("[")] == [
        "[1/3] dense on nano-knowledge",
        "[2/3] rtn-w8a16 on nano-knowledge",
        "[3/3] reap-25",
    ]
    stored = read(place.folder, "nano")
    assert {name: own["nano-knowledge"].n for name, own in stored.measured.items()} == {DENSE: 20, "rtn-w8a16": 20}
    assert stored.recipes["rtn-w8a16"].artifact.path == ""
    assert stored.recipes["reap-25"].refused
    run(cells, place)
    assert capsys.readouterr().out == "unicomp: none of 3 cells are missing\n"


def test_a_benchmark_whose_data_lack_is_named_and_left_out_and_the_others_are_measured(tmp_path, capsys):
    place = Place(tmp_path / "evidence", bundle=tmp_path, cache=tmp_path / "store", model="nano")
    run([StudyCell("rtn-w8a16", "arc_easy", 20), StudyCell(DENSE, "nano-knowledge", 20), StudyCell(DENSE, "arc_easy", 20)], place)
    first, second, end = capsys.readouterr().out.splitlines()
    assert first == f"unicomp: arc_easy is left out: the bundle lacks allenai/ai2_arc, expected at {tmp_path / 'allenai' / 'ai2_arc'}"
    assert second.startswith("[2/3] dense on nano-knowledge: ")
    assert end == "unicomp: 2 of 3 cells are missing"
    assert "rtn-w8a16" not in made.read(place.recipes)


def test_all_cells_of_a_recipe_leave_the_same_questions_out_of_its_calibration_text(tmp_path):
    place = Place(tmp_path)
    asked = {frozenset(settings(StudyCell("wanda-50", name, 100, "reasoning"), place).benchmark) for name in ("arc_easy", "gsm8k")}
    assert asked == {frozenset(cell.benchmark for cell in protocol.cells())}


def test_an_unknown_model_is_no_refusal_of_a_recipe_and_ends_in_one_line(tmp_path):
    place = Place(tmp_path / "evidence", cache=tmp_path / "store", model=str(tmp_path / "nowhere"))
    with pytest.raises(UsageProblem, match="nowhere"):
        run([StudyCell("rtn-w8a16", "nano-knowledge", 20)], place)
    assert made.read(place.recipes) == {}


def test_evidence_that_was_edited_ends_the_command_in_one_line(evidence, capsys):
    file = evidence / MODEL / DENSE / "arc_easy.json"
    file.write_text(file.read_text().replace('"score": [1,', '"score": [0,'))
    with pytest.raises(SystemExit, match="7"):
        main(["--evidence", str(evidence), "--recipe", DENSE, "--benchmark", "arc_easy"])
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_no_cell_is_begun_when_the_minutes_are_over(tmp_path, capsys):
    run([StudyCell(DENSE, "nano-knowledge", 20)], Place(tmp_path, model="nano"), minutes=0)
    assert "give the command again" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


# The page


def test_the_page_is_what_its_evidence_gives():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, judge(read())) == text, "give: python -m benchmarks.study.page"


def test_a_page_without_its_markers_is_refused(evidence):
    with pytest.raises(ValueError, match="study-coverage"):
        page.filled("# A page", judge(read(evidence)))


def test_evidence_that_was_edited_is_refused(evidence):
    file = evidence / MODEL / "wanda-50" / "piqa.json"
    file.write_text(file.read_text().replace('"score": [1,', '"score": [0,'))
    with pytest.raises(InfrastructureError, match="edited"):
        read(evidence)


def test_tables_say_what_is_kept_lost_and_not_decided(evidence):
    study = judge(read(evidence))
    found = rows(page.TABLES["study-capabilities"](study))
    assert found["rtn-w8a16"][0].startswith("0.0 [")
    assert found["rtn-w8a16"][0].endswith("kept (2 sets)")
    assert found["wanda-50"][0].startswith("−40.0 [")
    assert found["wanda-50"][0].endswith("**lost** (2 sets)")
    assert "−40.0" in rows(page.TABLES["study-benchmarks"](study))["wanda-50"][0]


def test_a_set_on_which_the_reference_is_at_chance_says_nothing(evidence):
    study = judge(read(evidence))
    found = rows(page.TABLES["study-chance"](study))
    assert found["truthfulqa_mc1"] == ["truthfulness", "100", "22.0 %", "16.0 %", "22.2 %", "no"]
    assert {name: row[-1] for name, row in found.items()} == {"arc_easy": "**yes**", "piqa": "**yes**", "truthfulqa_mc1": "no"}
    assert "truthfulness" not in page.TABLES["study-capabilities"](study)
    assert all("at chance" in row[-1] for row in rows(page.TABLES["study-benchmarks"](study)).values())


def test_what_the_targets_text_gains_is_paired_with_the_same_recipe(evidence):
    knowledge, truthfulness = page.TABLES["study-calibration"](judge(read(evidence))).splitlines()[2:]
    assert knowledge.startswith("| `wanda-50@reasoning` | knowledge | `arc_easy`, `piqa` | 200 | +20.0 [")
    assert knowledge.endswith("| **gains** |")
    assert "| truthfulness |" in truthfulness
    assert truthfulness.endswith("| cannot tell from this run |")


def test_cells_that_are_not_measured_are_named_and_counted(evidence):
    study = judge(read(evidence))
    table = page.TABLES["study-coverage"](study)
    there = sum(cell.benchmark in study.stored.measured.get(cell.name, {}) for cell in protocol.cells())
    assert there == 15
    assert table.startswith(f"15 of {len(protocol.cells())} cells are measured; {len(protocol.cells()) - 15} are not yet.")
    assert rows(table)["hellaswag"][2:] == ["0 of 32", "none"]
    assert rows(table)["piqa"][3] == "`dense`, `rtn-w8a16`, `rtn-w3a16`, `wanda-50`, `wanda-50@reasoning`"


def test_of_a_benchmark_that_is_nearly_complete_the_missing_recipes_are_named(evidence):
    stored = read(evidence)
    whole = [cell.name for cell in protocol.cells() if cell.benchmark == "piqa"]
    found = {name: {"piqa": stored.dense["piqa"]} for name in whole if name != "rtn-w8a16"}
    table = page.TABLES["study-coverage"](Judged(replace(stored, measured=found), judge(stored).report, {}))
    assert rows(table)["piqa"][2:] == [f"{len(whole) - 1} of {len(whole)}", "all but `rtn-w8a16`"]


def test_claims_say_when_this_run_cannot_tell(evidence):
    table = page.TABLES["study-claims"](judge(read(evidence)))
    assert "not tested" in table
    assert "@reasoning" not in table


def test_costs_are_those_that_were_kept(evidence):
    study = judge(read(evidence))
    assert rows(page.TABLES["study-recipe-costs"](study))["wanda-50"][:2] == ["1.5", "3"]
    assert rows(page.TABLES["study-cell-costs"](study))["piqa"][:2] == ["5", "0.01"]


# Published scores


def test_a_published_score_is_compared_by_its_own_metric(evidence):
    # Of two options the likelier one is right by acc on all items, whatever acc_norm says.
    kept = read(evidence).dense["arc_easy"]
    items = [item.model_copy(update={"log_probabilities": [-2.0, -1.0]}) for item in kept.items]
    Baselines(evidence, evidence).write(MODEL, DENSE, kept.model_copy(update={"items": items}))
    assert [one.published.benchmark for one in published.beside(read(evidence))] == ["piqa"]
    gold.file_in(evidence, MODEL, "arc_easy").write_text("{" + ",".join(f'"{item.id}": 1' for item in items) + "}")
    easy, piqa = published.beside(read(evidence))
    assert (easy.published.metric, easy.percent, easy.agrees) == ("acc", 100.0, False)
    assert (piqa.published.metric, piqa.percent, piqa.agrees) == ("acc_norm", 70.0, True)


# The report


def test_verify_follows_the_report_from_the_same_evidence(evidence, tmp_path):
    store = Store(tmp_path / "store")
    written = report.kept(judge(read(evidence)), store)
    answers = verify(written, store)
    assert {answer.what: answer.note for answer in answers if answer.state != "as_reported"} == {}
    assert len([answer for answer in answers if answer.what.endswith("(calibration)")]) == 3


def test_verify_finds_a_number_of_the_report_that_was_changed(evidence, tmp_path):
    store = Store(tmp_path / "store")
    written = report.kept(judge(read(evidence)), store)
    changed = written.checks[0].model_copy(update={"difference": 0.123})
    answers = verify(written.model_copy(update={"checks": [changed, *written.checks[1:]]}), store)
    assert "differs" in {answer.state for answer in answers}


def test_the_command_writes_a_report_that_can_be_read(evidence, tmp_path):
    report.main(["--evidence", str(evidence), "--cache", str(tmp_path / "store"), "-o", str(tmp_path / "study.json")])
    from pytest_unicomp.report.json import read as read_report

    assert {row.recipe for row in read_report(tmp_path / "study.json").recipes} == set(RIGHT) - {DENSE}
