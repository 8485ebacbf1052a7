"""Two workers give the same report as one process, timings apart."""

import json
from xml.etree import ElementTree

import pytest

# The record names the whole report, times included.
# Sources are digests to the last bit, and sums of another number of threads differ there. A front weighs the seconds that making took.
TIMES = (
    "record",
    "sources",
    "seconds",
    "created",
    "first",
    "last",
    "compress_seconds",
    "compress_peak_bytes",
    "path",
    "nodeid",
    "S_CC",
    "S_RA",
    "S_IE",
    "front",
)


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(entry) for name, entry in value.items() if name not in TIMES}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_two_workers_make_each_artifact_once_and_report_the_same(gate, pytester, tmp_path):
    words = {"recipe": "rtn-w8a16,wanda-2of4", "benchmark": "nano-knowledge,nano-safety,bytes"}
    alone = gate.report(**words)
    gate.store = tmp_path / "store"
    together = gate.report("-n", "2", run=pytester.runpytest_subprocess, **words)
    assert together["ret"] == alone["ret"]
    for report in (alone, together):
        for name in ("result", "environment"):
            del report[name]
    assert without_times(together) == without_times(alone)
    assert len(list((gate.store / "artifacts").iterdir())) == 2


def test_a_timing_under_xdist_is_inconclusive_with_the_command_to_run_alone(gate, pytester, tmp_path):
    report = gate.report("-n", "1", "--junit-xml=junit.xml", benchmark="prefill-latency,nano-knowledge", run=pytester.runpytest_subprocess)
    (check,) = [check for check in report["checks"] if check["benchmark"] == "prefill-latency"]
    assert check["verdict"] == "inconclusive"
    assert "unicomp gate nano --recipe rtn-w8a16 --benchmark prefill-latency" in check["reason"]
    # What a worker found of a check reaches JUnit through the controller.
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")}
    told = {entry.get("name"): entry.get("value") for entry in cases["test_retention[rtn-w8a16-nano-knowledge]"].iter("property")}
    names = ("verdict", "difference", "interval", "margin", "n", "minimum_detectable_effect")
    assert {f"unicomp_{name}" for name in names} <= told.keys()
    pooled = {entry.get("name"): entry.get("value") for entry in cases["test_capability[rtn-w8a16-knowledge]"].iter("property")}
    assert pooled["unicomp_interval"] == str(report["recipes"][0]["capabilities"][0]["interval"])


@pytest.mark.slow
def test_workers_run_the_packaged_suites_if_no_path_is_named(gate, pytester, tmp_path):
    path = pytester.path / "report.json"
    words = ["--unicomp-model=nano", f"--unicomp-cache={gate.store}", "--unicomp-recipe=rtn-w8a16", "--unicomp-benchmark=nano-knowledge"]
    result = pytester.runpytest_subprocess(*words, "--unicomp-limit=24", "--unicomp-drift=off", f"--unicomp-report={path}", "-n", "2")
    together = {**json.loads(path.read_text(encoding="utf-8")), "ret": int(result.ret)}
    alone = gate.report()
    assert together["ret"] == alone["ret"]
    assert without_times(together["checks"]) == without_times(alone["checks"])
    assert {check["question"] for check in together["checks"]} == {"artifact", "retention"}
