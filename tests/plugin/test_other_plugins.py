"""Other plugins of a repository beside a gate: the real ones, where they are installed (the extra `neighbours`)."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.slow

WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")
SLEEPY = """
import time

def pytest_runtest_setup(item):
    if "cell" in item.fixturenames:
        time.sleep(1)
"""


def needs(module):
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install 'pytest-unicomp[neighbours]'")


@pytest.fixture
def beside(gate, pytester):
    """Run a gate in a process of its own, which loads whatever plugins are installed."""

    def run(*words, **more):
        return gate.report(*words, run=pytester.runpytest_subprocess, **more)

    return run


def test_a_time_limit_of_the_ini_file_does_not_end_a_test_of_the_matrix(beside, pytester):
    needs("pytest_timeout")
    pytester.makepyfile(sleepy=SLEEPY)
    report = beside(*WIDE, "-p", "sleepy", "-o", "timeout=0.5")
    assert (report["ret"], report["verdict"], report["partial"]) == (0, "pass", None)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_time_limit_that_was_typed_ends_the_run_with_its_report_and_never_with_a_crash(beside, pytester, method):
    needs("pytest_timeout")
    pytester.makepyfile(sleepy=SLEEPY)
    report = beside(*WIDE, "-p", "sleepy", "--timeout=0.5", f"--timeout-method={method}")
    assert (report["ret"], report["verdict"]) == (7, "error")
    assert report["partial"]["why"] == "a time limit passed: 0.5 s"
    assert "next: mend the error" in report["result"].stdout.str()


def test_a_test_that_is_run_again_counts_once(beside, ruined):
    needs("pytest_rerunfailures")
    report = beside(f"--unicomp-candidate={ruined}", "--reruns=2", recipe=None)
    assert (report["ret"], report["verdict"]) == (1, "fail")
    asked = [(check["recipe"], check["benchmark"], check["question"]) for check in report["checks"]]
    assert len(asked) == len(set(asked))
    assert "rerun" in report["result"].stdout.str()


def test_another_order_of_the_tests_changes_nothing(beside):
    needs("pytest_randomly")
    first, second = (beside(*WIDE, f"--randomly-seed={seed}", recipe="rtn-w8a16,wanda-2of4") for seed in (1, 2))
    names = [[check["nodeid"] for check in report["checks"]] for report in (first, second)]
    assert first["ret"] == second["ret"]
    assert names[0] == names[1]
    assert [recipe["verdict"] for recipe in first["recipes"]] == [recipe["verdict"] for recipe in second["recipes"]]


def test_measuring_coverage_changes_nothing(beside):
    needs("pytest_cov")
    assert beside(*WIDE, "--cov=pytest_unicomp", "--cov-report=")["ret"] == 0


def test_tests_that_are_coroutines_run_beside_a_gate(beside, pytester):
    needs("pytest_asyncio")
    own = pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_of_mine():
            await asyncio.sleep(0)

        def test_kept(retention):
            retention.assert_passed()
        """
    )
    report = beside(*WIDE, path=own)
    assert (report["ret"], report["verdict"]) == (0, "pass")
    assert report["result"].parseoutcomes()["passed"] == 2


def test_a_page_of_pytest_html_stands_beside_the_gates_own(beside, pytester):
    needs("pytest_html")
    report = beside(*WIDE, "--html=tests.html", "--self-contained-html", "--unicomp-report=gate.html")
    assert report["ret"] == 0
    assert "test_retention" in (pytester.path / "tests.html").read_text(encoding="utf-8")
    assert "PASS" in (pytester.path / "gate.html").read_text(encoding="utf-8")
