"""A run that needs a model hub asks it once, before anything is made, and stops with one line and the right exit code."""

import time

import pytest

from pytest_unicomp.checkpoints.hub import NANO
from tests.loopback_hub import Repository

SECONDS = 20


@pytest.fixture
def served(loopback, tmp_path):
    """A hub that has nano and the data set of arc_easy, whose files are of no use."""
    (tmp_path / "arc").mkdir()
    (tmp_path / "arc" / "README.md").write_text("# arc\n")
    loopback.models["org/nano"] = Repository({"main": NANO})
    loopback.datasets["allenai/ai2_arc"] = Repository({"main": tmp_path / "arc"})
    return loopback


def stopped(gate, *arguments, **words):
    """The exit code of a run that stopped before anything was made, and the one line that says why."""
    began = time.monotonic()
    result = gate(*arguments, **{"model": "org/nano", "benchmark": "arc_easy", **words})
    assert time.monotonic() - began < SECONDS
    lines = [line for line in result.outlines if "unicomp: the " in line]
    assert len(lines) == 1, result.outlines
    assert "no tests ran" in result.stdout.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    return int(result.ret), lines[0]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ({"model": "org/none"}, 4, "the model org/none is not on the hub"),
        ({"model": "org/nano@none"}, 4, "the repository has no such revision"),
        ({"benchmark": "piqa"}, 4, "the data set baber/piqa is not on the hub"),
        ({"recipe": "wanda-50"}, 4, "the data set allenai/c4 is not on the hub"),
    ],
)
def test_a_name_that_the_hub_does_not_have_stops_the_run_with_code_4(gate, served, words, code, line):
    assert (found := stopped(gate, **words))[0] == code
    assert line in found[1]


def test_a_candidate_that_the_hub_does_not_have_stops_the_run_too(gate, served):
    code, line = stopped(gate, "--unicomp-candidate=org/none", model="nano", recipe=None, benchmark="nano-knowledge")
    assert code == 4
    assert "the model org/none is not on the hub" in line


@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_in_trouble_stops_the_run_with_code_7_after_one_request(gate, served, status):
    served.status = status
    code, line = stopped(gate)
    assert code == 7
    assert f"status {status}" in line
    assert len(served.asked) == 1


def test_without_a_network_one_line_comes_within_seconds_whatever_the_number_of_cells(gate, served, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    code, line = stopped(gate, recipe="rtn-w8a16,rtn-w4a16", benchmark="performance")
    assert code == 7
    assert "the hub does not answer at http://127.0.0.1:9" in line
    assert "unicomp prefetch --bundle DIR" in line


def test_a_run_that_needs_nothing_of_the_hub_does_not_ask_it(gate, served):
    served.status = 503
    assert gate(model="nano", benchmark="bytes").ret == 0
    assert served.asked == []


def test_collecting_asks_nothing(gate, served):
    assert gate("--collect-only", model="org/nano", benchmark="arc_easy").ret == 0
    assert served.asked == []
