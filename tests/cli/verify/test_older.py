"""`unicomp verify` on a report from before a field: it claims nothing of it, and one line says so."""

from __future__ import annotations

import copy
import json

from typer.testing import CliRunner

from pytest_unicomp.cli import app
from pytest_unicomp.store.local import digest


def older(reported, store):
    """Return the report as an older version wrote it, with the record that it kept."""
    written = copy.deepcopy(reported)
    for row in (written, *written["recipes"]):
        del row["unchanged"]
    del written["rankings"]
    # What a check that passed says does not depend on how many items would decide.
    for row in (row for row in written["checks"] if row["verdict"] == "pass"):
        del row["design_effect"], row["spread"]
    for row in written["checks"]:
        for name in ("divergence_table", "divergent_replies", "uncertainty"):
            del row[name]
    content = {name: value for name, value in written.items() if name != "record"}
    written["record"] = digest(content)
    store.write("reports", written["record"], content)
    return written


def verified(report, store, tmp_path):
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    return CliRunner().invoke(app, ["verify", str(path), f"--cache={store.root}"])


def test_an_older_report_agrees_with_its_evidence_and_one_line_names_what_it_lacks(reported, store, tmp_path):
    done = verified(older(reported, store), store, tmp_path)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("unicomp: this report is older than `unchanged` (how likely")
    assert "`rankings` (which recipes can be told apart)" in lines[0]
    assert "`divergence_table` (how far the distributions are apart, by percentiles)" in lines[0]
    assert "parts of the report follow" in lines[1]


def test_a_field_that_was_removed_from_a_report_is_found_by_its_record(reported, store, tmp_path):
    written = copy.deepcopy(reported)
    del written["recipes"][0]["unchanged"]
    done = verified(written, store, tmp_path)
    assert done.exit_code == 1
    assert "recipes[0].unchanged" in done.output


def test_a_field_that_was_removed_from_a_check_is_found_by_its_record(reported, store, tmp_path):
    written = copy.deepcopy(reported)
    del written["checks"][0]["design_effect"]
    done = verified(written, store, tmp_path)
    assert done.exit_code == 1
    assert "checks[0].design_effect" in done.output


def test_a_report_of_today_has_no_such_line(reported, store, tmp_path):
    assert "older" not in verified(reported, store, tmp_path).output
