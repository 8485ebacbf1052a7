"""`--unicomp-executor` and `--unicomp-address`: where the work is done changes nothing but times."""

from __future__ import annotations

from tests.plugin.test_xdist import without_times


def test_processes_give_the_report_of_a_local_run(gate, pytester, tmp_path):
    words = {"recipe": "rtn-w8a16,wanda-2of4", "benchmark": "nano-knowledge,bytes"}
    alone = gate.report(**words)
    gate.store = tmp_path / "store"
    spread = gate.report("--unicomp-executor=process", run=pytester.runpytest_subprocess, **words)
    for report in (alone, spread):
        for name in ("result", "environment"):
            del report[name]
    assert without_times(spread) == without_times(alone)
    assert len(list((gate.store / "artifacts").iterdir())) == 2


def test_an_unknown_executor_is_answered_with_the_nearest_one(gate):
    result = gate("--unicomp-executor=proces")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*expected one of local, process, ray. Did you mean 'process'*"])


def test_an_address_without_a_cluster_to_join_is_refused(gate):
    result = gate("--unicomp-address=here:6379")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--unicomp-address is for --unicomp-executor=ray*"])


def test_a_cluster_that_does_not_answer_is_an_infrastructure_error(gate, pytester):
    result = gate("--unicomp-executor=ray", "--unicomp-address=127.0.0.1:1", run=pytester.runpytest_subprocess)
    assert result.ret == 7
    assert "cannot be joined" in result.stdout.str() + result.stderr.str()
