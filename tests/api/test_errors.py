"""What breaks in a library becomes one error that names what was being done."""

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, guarded
from pytest_unicomp.api.records import Estimate


def test_a_result_that_is_not_finite_is_named_in_one_line_with_what_to_do():
    with pytest.raises(
        InfrastructureError, match=r"^unicomp: scoring c failed: a number in its results is NaN or infinite.*check-artifact"
    ) as raised:
        guarded(lambda: Estimate(value=float("nan")), "scoring c")
    assert "\n" not in str(raised.value)


def test_our_own_errors_pass_and_others_keep_their_kind_and_words():
    def usage():
        raise UsageProblem("unicomp: no")

    with pytest.raises(UsageProblem, match=r"^unicomp: no$"):
        guarded(usage, "x")
    with pytest.raises(InfrastructureError, match=r"^unicomp: x failed: ZeroDivisionError: division by zero$"):
        guarded(lambda: 1 / 0, "x")
