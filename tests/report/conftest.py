import pytest

from pytest_unicomp.api.records import Report
from tests.report import toy_report


@pytest.fixture
def report() -> Report:
    """Five recipes by seven capabilities, with everything that can go wrong in a run."""
    return toy_report.small()


@pytest.fixture(scope="session")
def big_report() -> Report:
    """Nineteen recipes by sixty benchmarks."""
    return toy_report.big()
