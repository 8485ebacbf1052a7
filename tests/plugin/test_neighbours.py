"""Other plugins of a repository beside a gate: each as a toy that does what the real one does to a test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_unicomp.plugin.neighbours import Neighbours
from pytest_unicomp.plugin.stash import CHECKS

TIMEOUT = """
import pytest

class Limit:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        marker = item.get_closest_marker("timeout")
        limit = marker.args[0] if marker else item.config.getoption("timeout") or 8
        if "cell" in item.fixturenames:
            item.config.limits.append(limit)
        return (yield)

def pytest_addoption(parser):
    parser.addoption("--timeout", dest="timeout", type=float, default=None)

def pytest_configure(config):
    config.limits = []
    config.addinivalue_line("markers", "timeout(seconds): a limit")
    config.pluginmanager.register(Limit(), "timeout")

def pytest_unconfigure(config):
    print("limits:", sorted(set(config.limits)))
"""


def test_a_time_limit_of_the_ini_file_does_not_reach_a_gate_and_one_that_was_typed_does(gate, pytester):
    pytester.makepyfile(limits=TIMEOUT)
    pytester.syspathinsert()
    gate("-p", "limits", "--unicomp-margin=0.4").stdout.fnmatch_lines(["limits: [[]0[]]"])
    gate("-p", "limits", "--timeout=5", "--unicomp-margin=0.4").stdout.fnmatch_lines(["limits: [[]5.0[]]"])


def test_a_test_that_is_asked_again_forgets_its_first_answer():
    item = SimpleNamespace(stash=pytest.Stash(), user_properties=[("unicomp_verdict", "fail"), ("mine", 1)])
    item.stash[CHECKS] = ["an answer"]
    Neighbours().pytest_runtest_setup(item)
    assert CHECKS not in item.stash
    assert item.user_properties == [("mine", 1)]


@pytest.mark.parametrize(("outcome", "kept"), [("rerun", []), ("failed", ["an answer"])])
def test_the_report_of_an_attempt_that_is_repeated_counts_for_nothing(outcome, kept):
    report = SimpleNamespace(outcome=outcome, unicomp_checks=["an answer"], unicomp_broken=True, unicomp_outcome="inconclusive")
    Neighbours().pytest_runtest_logreport(report)
    assert report.unicomp_checks == kept
    assert report.unicomp_broken == bool(kept)
    assert (report.unicomp_outcome is None) == (outcome == "rerun")
