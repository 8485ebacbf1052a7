"""`--unicomp-alpha`: how sure a verdict must be, told as the confidence of every interval."""

import pytest


def width(report):
    (pooled,) = report["recipes"][0]["capabilities"]
    low, high = pooled["interval"]
    return high - low, pooled["confidence"]


def test_a_smaller_error_level_widens_every_interval(gate):
    usual, surer = width(gate.report()), width(gate.report("--unicomp-alpha=0.005"))
    assert (usual[1], surer[1]) == (pytest.approx(0.9), pytest.approx(0.99))
    assert surer[0] > usual[0]


@pytest.mark.parametrize("value", ["0", "0.5", "nan", "5%"])
def test_a_level_that_is_none_is_refused(gate, value):
    result = gate(f"--unicomp-alpha={value}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--unicomp-alpha is '{value}'; expected a number above 0 and below 0.5*"])
