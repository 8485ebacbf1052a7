"""`--unicomp-dtype`: what both models are computed in, a condition of every comparison."""


def test_both_sides_are_computed_in_the_type_that_was_asked_for(gate):
    report = gate.report("--unicomp-dtype=bfloat16")
    assert {origin["dtype"] for origin in report["origins"]} == {"bfloat16"}
    (check,) = [check for check in report["checks"] if check["question"] == "retention"]
    assert check["verdict"] != "not_comparable"
    assert {origin["dtype"] for origin in gate.report("--unicomp-dtype=float32")["origins"]} == {"float32"}


def test_a_type_that_nobody_computes_in_is_refused(gate):
    result = gate("--unicomp-dtype=bfloat")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--unicomp-dtype is 'bfloat'; expected one of auto, float32, bfloat16, float16. Did you mean 'bfloat16'*"]
    )
