"""Writes the study's report and the evidence behind it: `python -m benchmarks.study.report --cache FOLDER -o study.json`.

`unicomp verify study.json --cache FOLDER` recomputes it then, and `unicomp report study.json -o study.html` shows it; nothing is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.study.judged import Judged, judge
from benchmarks.study.protocol import FOLDER
from benchmarks.study.stored import read
from pytest_unicomp.api.records import Report
from pytest_unicomp.report import write
from pytest_unicomp.run import report_record
from pytest_unicomp.store.local import Store


def main(words: Sequence[str] | None = None) -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidence", type=Path, default=FOLDER, help="folder of what was measured")
    parser.add_argument("--cache", type=Path, required=True, help="store to which the evidence is copied")
    parser.add_argument("-o", "--output", type=Path, default=Path("study.json"), help="file to write: .json, .html or .md")
    asked = parser.parse_args(words)
    write(kept(judge(read(asked.evidence)), Store(asked.cache)), asked.output)


def kept(study: Judged, store: Store) -> Report:
    """Copy the evidence of the study to a store, and return its report as recorded there."""
    for key, found in study.evidence.items():
        store.write("evidence", key, found.model_dump(mode="json"))
    return report_record.kept(study.report, store)


if __name__ == "__main__":
    main()
