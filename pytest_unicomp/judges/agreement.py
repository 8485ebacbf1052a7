"""The measured agreement of judges with human raters, shown in the report with every score that uses the judge."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_unicomp.api.records import Agreement
from pytest_unicomp.judges import refusal

FILE = Path(__file__).with_name("agreement.json")


def known(judge: str, task: str) -> Agreement | None:
    """Return the agreement of a judge, as `--unicomp-judge` names it, on a task; None if nobody has measured it.

    A classifier judges refusals alone, so that on other tasks the rules' own agreement holds.
    """
    measured = json.loads(FILE.read_text(encoding="utf-8"))
    if judge.startswith("classifier:") and task != "refusal":
        judge = "rules"
    if judge == "rules" and task == "refusal":
        held_out = refusal.agreement()["other model and other prompts"]
        return Agreement(source="XSTest replies with human labels, neither model nor prompts seen in fitting", **held_out)
    found = measured.get(judge, {}).get(task)
    return None if found is None else Agreement.model_validate(found)
