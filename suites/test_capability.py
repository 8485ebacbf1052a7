"""A capability pooled over its benchmarks: the verdict that decides whether a recipe passes."""

import pytest


@pytest.mark.unicomp(question="capability")
def test_capability(capability, cell):
    capability.assert_passed(gates=cell.gates)
