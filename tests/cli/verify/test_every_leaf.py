"""Whatever single leaf of a report is edited, `unicomp verify` finds it: by the evidence, or else by the record that the run kept."""

from pathlib import Path

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.cli.verify import exit_code, verify
from pytest_unicomp.cli.verify.record import ONLY_IN_RECORD, WHAT, record_answer
from tests.cli.verify.edits import Edit, edits

DOCS = Path(__file__).parents[3] / "docs" / "report.md"


def test_an_untouched_report_follows(reported, store):
    answers = verify(Report.model_validate(reported), store)
    assert {answer.state for answer in answers} == {"as_reported"}
    assert exit_code(answers) == 0


def test_an_edit_of_any_leaf_is_found_and_named_by_the_record(reported, store):
    tried = silent = 0
    for edit in edits(reported, only_first=False):
        tried += 1
        answer = record_answer(edit.report, store)
        named = edit.path == "record" or any(part in answer.note for part in (edit.path.partition(".")[0], "more"))
        silent += answer.state == "as_reported" or not named
    assert tried > 400
    assert silent == 0


def covered_by_design(edit: Edit) -> bool:
    return any(edit.shape == path or edit.shape.startswith(path) for path in ONLY_IN_RECORD)


def test_what_the_evidence_alone_does_not_show_is_on_the_list(reported, store):
    # Whoever can write to the store can make a record too; then the evidence is what is left.
    unlisted = []
    for edit in edits(reported, only_first=True):
        if covered_by_design(edit):
            continue
        answers = [answer for answer in verify(edit.report, store) if answer.what != WHAT]
        if exit_code(answers) == 0:
            unlisted.append(edit.path)
    assert unlisted == []


def test_the_list_is_in_the_documentation_with_its_reasons():
    text = DOCS.read_text(encoding="utf-8")
    assert [path for path, reason in ONLY_IN_RECORD.items() if f"| `{path}` | {reason} |" not in text] == []


def remade(reported, change):
    other = Report.model_validate(reported).model_dump(mode="json", by_alias=True)
    change(other)
    return Report.model_validate(other)


def of(answers, state):
    return {answer.what: answer.note for answer in answers if answer.state == state}


def swap(report):
    """Let the first recipe's retention rest on the second recipe's measurement."""
    retained = [check for check in report["checks"] if check["question"] == "retention"]
    mine, theirs = ([source for source in check["sources"] if source["side"] == "candidate"] for check in retained)
    mine[0].update(theirs[0])


def reference_twice(report):
    """Let the first recipe's retention rest on the reference's own measurement."""
    check = next(check for check in report["checks"] if check["question"] == "retention")
    by_side = {source["side"]: source for source in check["sources"]}
    by_side["candidate"].update({**by_side["reference"], "side": "candidate"})


@pytest.mark.parametrize("forge", [swap, reference_twice])
def test_evidence_of_another_artifact_is_not_taken_for_that_of_the_recipe(reported, store, forge):
    found = of(verify(remade(reported, forge), store), "differs")
    assert "is of the fingerprint" in found["rtn-w8a16 on nano-knowledge (retention)"]


def test_a_recipe_that_stops_gating_contradicts_the_policy(reported, store):
    def forge(report):
        for part in (report["recipes"][0], *(check for check in report["checks"] if check["recipe"] == "rtn-w8a16")):
            part["gates"] = False

    assert "rtn-w8a16 does not gate" in of(verify(remade(reported, forge), store), "differs")["the plan"]


def test_a_report_without_its_record_is_not_proven_and_one_whose_record_is_gone_neither(reported, store, tmp_path):
    from pytest_unicomp.store.local import Store

    without = Report.model_validate({**reported, "record": None})
    answers = verify(without, store)
    assert list(of(answers, "missing")) == [WHAT]
    assert exit_code(answers) == 7
    assert record_answer(Report.model_validate(reported), Store(tmp_path)).state == "missing"


def test_a_record_that_was_edited_too_is_changed(reported, tmp_path):
    from pytest_unicomp.store.local import Store

    store = Store(tmp_path)
    store.write("reports", reported["record"], {**reported, "verdict": "pass"})
    answer = record_answer(Report.model_validate(reported), store)
    assert (answer.state, answer.note) == ("changed", f"reports/{reported['record']} is not what the run wrote")
