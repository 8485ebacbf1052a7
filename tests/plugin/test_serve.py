"""`--unicomp-serve`, `--unicomp-backend`, served candidates and a served reference: a whole gate through a server."""

from __future__ import annotations

import importlib
import shlex
import sys

import pytest

from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import load
from tests.engine.serving import loopback
from tests.engine.serving.loopback import Loopback

SERVER = f"{shlex.quote(sys.executable)} {shlex.quote(loopback.__file__)} {{model}} {{port}}"
ONE = {"recipe": None, "benchmark": "nano-knowledge"}


@pytest.fixture(scope="module", autouse=True)
def clients():
    # pytester forgets modules that only an inner run imported, and lm-eval registers its clients once.
    return importlib.import_module("lm_eval.models.openai_completions")


@pytest.fixture(scope="module")
def server():
    with Loopback(load(NANO, device="cpu", dtype="float32")) as running:
        yield running


def test_a_command_serves_reference_and_recipe_in_turn_and_their_numbers_are_compared(gate):
    report = gate.report(f"--unicomp-serve={SERVER}", recipe="rtn-w8a16", benchmark="nano-knowledge")
    [check] = [check for check in report["checks"] if check["question"] == "retention"]
    # 24 items do not decide a margin; the point is that they were paired and counted.
    assert (check["verdict"], check["n"]) == ("inconclusive", 24)
    assert (report["policy"]["backend"], report["policy"]["serve"]) == ("server", SERVER)
    loaded = gate.report(recipe="rtn-w8a16", benchmark="nano-knowledge")
    [same] = [check for check in loaded["checks"] if check["question"] == "retention"]
    assert check["candidate"]["value"] == pytest.approx(same["candidate"]["value"], abs=0.02)
    assert loaded["policy"]["backend"] == "hf"


def test_a_served_candidate_is_judged_against_a_served_reference(gate, server):
    report = gate.report(f"--unicomp-candidate={server.url}", f"--unicomp-reference={server.url}", **ONE)
    [recipe] = report["recipes"]
    assert recipe["recipe"] == f"127.0.0.1-{server.url.split(':')[2].removesuffix('/v1')}"
    assert recipe["verdict"] == "pass"
    assert recipe["artifact"]["path"] == server.url
    # What lies on the server cannot be weighed from here, and is not made up.
    assert recipe["artifact"]["bytes"] is None
    assert {check["question"] for check in report["checks"]} == {"retention"}


def test_a_served_candidate_is_timed_at_its_endpoint_beside_the_served_reference(gate, server):
    words = (f"--unicomp-candidate={server.url}", f"--unicomp-reference={server.url}")
    report = gate.report(*words, recipe=None, benchmark="prefill-latency,bytes")
    [check] = [check for check in report["checks"] if check["question"] == "efficiency"]
    assert (check["benchmark"], check["n"]) == ("prefill-latency", 12)
    assert check["kernels"] == [f"as served at {server.url}"] * 2
    assert check["interval"][0] <= check["difference"] <= check["interval"][1]
    # Against itself no difference is proven beyond the limit.
    assert check["verdict"] in ("pass", "inconclusive")


@pytest.mark.slow
def test_a_command_serves_both_at_once_to_time_them_and_its_work_is_not_that_of_others(gate):
    report = gate.report(f"--unicomp-serve={SERVER}", recipe="rtn-w8a16", benchmark="token-latency")
    [check] = [check for check in report["checks"] if check["question"] == "efficiency"]
    assert check["kernels"] == ["as served by --unicomp-serve"] * 2
    assert check["n"] == 12
    assert check["difference"] is not None


def test_a_served_candidate_is_not_timed_where_the_reference_is_not_served(gate, server):
    words = (f"--unicomp-candidate={server.url}", "--unicomp-reference=stored")
    result = gate(*words, "--collect-only", "-q", recipe=None, benchmark="prefill-latency,nano-knowledge")
    assert "prefill-latency" not in result.stdout.str()


def test_a_served_candidate_is_measured_anew_by_every_run(gate, server):
    words = (f"--unicomp-candidate={server.url}", f"--unicomp-reference={server.url}")
    before = server.requests.total()
    gate.report(*words, **ONE)
    first = server.requests.total() - before
    gate.report(*words, **ONE)
    assert server.requests.total() - before == 2 * first


def test_a_served_candidate_is_not_compared_with_a_reference_that_is_loaded_here(gate, server):
    result = gate(f"--unicomp-candidate={server.url}", **ONE)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*which cannot be compared (engine); serve both: --unicomp-serve=COMMAND*"])


def test_stored_evidence_of_another_engine_is_not_comparable_and_the_field_is_named(gate, server, pytester):
    folder = f"--unicomp-baselines={pytester.path / 'own'}"
    gate(folder, "--unicomp-update=missing", recipe="dense", drift="on")
    report = gate.report(f"--unicomp-candidate={server.url}", "--unicomp-reference=stored", folder, **ONE)
    [check] = [check for check in report["checks"] if check["question"] == "retention"]
    assert check["verdict"] == "not_comparable"
    assert "engine" in check["reason"]


def test_a_server_that_is_not_there_is_an_error_and_no_regression(gate):
    words = ("--unicomp-candidate=http://127.0.0.1:9/v1", "--unicomp-reference=http://127.0.0.1:9/v1")
    report = gate.report(*words, **ONE)
    assert report["exit_code"] == 7
    assert {check["verdict"] for check in report["checks"]} == {"error"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--unicomp-serve=vllm serve {model}"], "*does not say where {port} go*"),
        ([f"--unicomp-serve={SERVER}", "--unicomp-backend=hf"], "*--unicomp-serve is for --unicomp-backend=server*"),
        (["--unicomp-backend=server"], "*--unicomp-backend=server needs --unicomp-serve=COMMAND*"),
        (["--unicomp-backend=sever"], "*expected one of hf, server. Did you mean 'server'*"),
        (["--unicomp-reference=http://host/v1"], "*other models in this process, which cannot be compared (engine)*"),
        (["--unicomp-candidate=http://host:x/v1", "--unicomp-backend=hf"], "*not the address of a server*"),
        ([f"--unicomp-serve={SERVER}", "--unicomp-executor=process"], "*served models do not go together*"),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_one_line(gate, words, line):
    result = gate(*words)
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])
