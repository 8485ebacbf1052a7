"""`--unicomp-margin`: points, a share of the reference, or a multiple of its errors."""

import pytest


def pooled(report):
    (found,) = report["recipes"][0]["capabilities"]
    return found


def test_a_share_of_the_reference_is_told_in_points(gate):
    absolute, relative = pooled(gate.report("--unicomp-margin=0.4")), pooled(gate.report("--unicomp-margin=40%"))
    assert absolute["margin"] == 0.4
    assert 0 < relative["margin"] < 0.4
    assert relative["verdict"] == "pass"


def test_a_multiple_of_the_errors_is_another_margin_still(gate):
    report = gate.report("--unicomp-margin=1.2x errors")
    assert report["policy"]["margin"] == "1.2x errors"
    assert pooled(report)["margin"] != pooled(gate.report())["margin"]


@pytest.mark.parametrize("value", ["0", "1", "nan", "120%", "0.5x errors", "three"])
def test_a_margin_that_is_none_is_refused(gate, value):
    result = gate(f"--unicomp-margin={value}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--unicomp-margin is '{value}'; expected *"])
