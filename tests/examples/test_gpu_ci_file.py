"""The job for a runner with a GPU calls a target that exists, and keeps the file that this target writes."""

from __future__ import annotations

import re

from tests.examples.test_ci_files import EXAMPLES, content


def test_the_report_that_is_kept_is_the_one_that_the_target_writes() -> None:
    steps = content("gpu-tests.yml")["jobs"]["gpu"]["steps"]
    [command] = [step["run"] for step in steps if "run" in step]
    target = command.removeprefix("make ")
    makefile = (EXAMPLES.parent / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(rf"^{target}:.*\n\t(.*)$", makefile, flags=re.MULTILINE)
    assert recipe is not None
    written = re.search(r"UNICOMP_GPU_REPORT=(\S+)", recipe[1])
    [upload] = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact")]
    assert written is not None
    assert upload["with"]["path"] == written[1]
    assert "tests/gpu" in recipe[1]
