"""The example of use from Python runs, and gives the report that a gate gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.mark.slow
def test_the_example_writes_a_report_and_ends_with_its_exit_code(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "as_a_library.py"), "40"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
    )
    answer = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    assert done.returncode == answer["exit_code"] == 0, done.stderr
    assert {check["benchmark"] for check in answer["checks"]} == {"nano-knowledge", "bytes", "artifact"}
    assert f"rtn-w8a16: {answer['recipes'][0]['verdict']}: " in done.stdout
    assert "compress rtn-w8a16" in done.stdout
