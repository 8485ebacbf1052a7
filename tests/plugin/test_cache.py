"""`--unicomp-cache`: the store, in which nothing is made twice."""


def test_a_second_run_makes_nothing_and_says_the_same(gate, tmp_path):
    gate.store = tmp_path / "deep" / "store"
    first = gate.report(benchmark="nano-knowledge,bytes")
    assert (gate.store / "artifacts").is_dir()
    assert "compress rtn-w8a16" in first["result"].stdout.str()
    second = gate.report(benchmark="nano-knowledge,bytes")
    told = second["result"].stdout.str()
    assert "compress" not in told
    assert "evaluate" not in told
    assert [check["interval"] for check in first["checks"]] == [check["interval"] for check in second["checks"]]


def test_a_store_that_is_a_file_is_refused_before_anything_runs(gate, tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    gate.store = tmp_path / "file" / "store"
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*the store {gate.store} cannot be used: {tmp_path / 'file'} is a file; choose a folder*"])
