"""`--unicomp-serve`, `--unicomp-backend`, served candidates and a served reference: a whole gate through a server."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
from pathlib import Path

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


@pytest.fixture(scope="module")
def chat():
    with Loopback(load(NANO, device="cpu", dtype="float32"), chat=True, key="sk-secret-of-the-test") as running:
        yield running


def test_a_chat_endpoint_is_judged_by_what_it_generates_and_its_key_is_written_nowhere(gate, chat, monkeypatch):
    monkeypatch.setenv("TEST_SERVER_KEY", "sk-secret-of-the-test")
    words = (f"--unicomp-candidate={chat.url}", f"--unicomp-reference={chat.url}", "--unicomp-key-variable=TEST_SERVER_KEY")
    page = gate.pytester.path / "report.html"
    report = gate.report(f"--unicomp-report={page}", *words, recipe=None, benchmark="nano-instruction-following,prefill-latency")
    [check] = report["checks"]
    assert (check["question"], check["verdict"]) == ("retention", "pass")
    [kept] = [path for path in (gate.store / "measurements").rglob("*.json") if '"chat server"' in path.read_text(encoding="utf-8")][-1:]
    assert '"template": "server"' in kept.read_text(encoding="utf-8").replace('":"', '": "')
    written = [page, gate.pytester.path / "report.json", *filter(Path.is_file, gate.store.rglob("*"))]
    assert not any(b"sk-secret-of-the-test" in path.read_bytes() for path in written)
    assert "sk-secret" not in str(report["result"].stdout)


class Counted:
    """A command that writes a line for each start of it, and the option that it was started with."""

    def __init__(self, folder, rest=SERVER):
        self.file = folder / "starts"
        program = f"import os, sys; open({str(self.file)!r}, 'a').write(sys.argv[1] + '\\n'); os.execvp(sys.argv[2], sys.argv[2:])"
        self.command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} %s {rest}"

    @property
    def starts(self):
        return self.file.read_text().split()


@pytest.mark.slow
def test_candidates_have_a_command_of_their_own_and_the_report_names_both(gate, tmp_path):
    counted = Counted(tmp_path)
    plain, other = counted.command % "plain", counted.command % "fp8-cache"
    report = gate.report(f"--unicomp-serve={plain}", f"--unicomp-serve-candidate={other}", recipe="dense", benchmark="nano-knowledge")
    assert counted.starts == ["plain", "fp8-cache"]
    assert (report["policy"]["serve"], report["policy"]["serve_candidate"]) == (plain, other)
    [check] = [check for check in report["checks"] if check["question"] == "retention"]
    # The weights are the same, but the command is not: the scores decide, and 24 items are too few.
    assert (check["verdict"], check["difference"]) == ("inconclusive", 0.0)


@pytest.mark.slow
def test_a_file_gives_one_candidate_a_command_of_its_own(gate, tmp_path):
    counted = Counted(tmp_path)
    serve, own = (json.dumps(counted.command % word) for word in ("all", "own"))
    (gate.pytester.path / "unicomp.toml").write_text(f"serve = {serve}\n[candidates.wanda-2of4]\nserve = {own}\n", encoding="utf-8")
    gate.report(recipe="rtn-w8a16,wanda-2of4", benchmark="nano-knowledge")
    assert counted.starts == ["all", "all", "own"]


def test_a_server_that_dies_is_started_once_and_its_first_cause_is_given(gate, tmp_path):
    counted = Counted(tmp_path, f"{shlex.quote(sys.executable)} -c 'raise NotImplementedError(\"no kernel\")' {{model}} {{port}}")
    report = gate.report(
        f"--unicomp-serve={SERVER}", f"--unicomp-serve-candidate={counted.command % 'dying'}", benchmark="nano-knowledge,nano-safety"
    )
    failed = [check for check in report["checks"] if check["question"] == "retention"]
    assert (report["exit_code"], [check["verdict"] for check in failed]) == (7, ["error", "error"])
    assert all(
        "exit status 1 before it answered: NotImplementedError: no kernel; all that it printed is in" in check["reason"] for check in failed
    )
    assert counted.starts == ["dying"]
    [log] = (gate.store / "logs").glob("rtn-w8a16-*.log")
    assert "Traceback" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[candidates.rtn-w8a61]\nserve = 'x'",
            "*unicomp.toml:1: candidates.rtn-w8a61: this run has no candidate*Did you mean 'rtn-w8a16'*",
        ),
        ("[candidates.rtn-w8a16]\nserv = 'x'", "*unicomp.toml:2: candidates.rtn-w8a16.serv: a candidate has no option 'serv'*"),
        ("[candidates.rtn-w8a16]\nserve = 7", "*unicomp.toml:2: candidates.rtn-w8a16.serve is 7; expected a text*"),
        ("candidates = 7", "*unicomp.toml:1: candidates is 7; expected tables by candidate*"),
        ("[candidates]\nrtn-w8a16 = 7", "*candidates.rtn-w8a16 is 7; expected a table*"),
        (
            "[candidates.rtn-w8a16]\nserve = 'no-such-program {model} {port}'",
            "*candidates.rtn-w8a16.serve starts 'no-such-program', which is not*",
        ),
        (
            "[candidates.rtn-w8a16]\nserve = 'vllm {model} {port}'\nbackend = 'hf'",
            "*candidates.rtn-w8a16.serve is for a candidate behind a server; its backend is hf: leave one out*",
        ),
        ("[candidates.rtn-w8a16]\nkey_variable = 'NO_SUCH_KEY'", "*candidates.rtn-w8a16.key_variable names*NO_SUCH_KEY, which is not set*"),
    ],
)
def test_a_wrong_table_of_candidates_is_refused_with_its_line(gate, text, line):
    (gate.pytester.path / "unicomp.toml").write_text(text, encoding="utf-8")
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])


def test_a_chat_endpoint_is_not_compared_with_one_that_completes_text(gate):
    result = gate(f"--unicomp-candidate={CHAT}", "--unicomp-reference=http://host/v1", recipe=None, benchmark="nano-instruction-following")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*applies a chat template of its own, and http://host/v1*cannot be compared*"])


CHAT = "http://host/v1/chat/completions"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            [f"--unicomp-serve-candidate={SERVER}"],
            "*--unicomp-serve-candidate serves rtn-w8a16 and the reference is measured in this process*",
        ),
        (
            [f"--unicomp-serve={SERVER}", "--unicomp-serve-candidate=gone {model} {port}"],
            "*--unicomp-serve-candidate starts 'gone', which is not*",
        ),
        (["--unicomp-key-variable=NO_SUCH_KEY"], "*--unicomp-key-variable names the environment variable NO_SUCH_KEY, which is not set*"),
        ([f"--unicomp-candidate={CHAT}", f"--unicomp-reference={CHAT}"], "*no likelihoods, and nano-knowledge need them*"),
        (["--unicomp-serve=vllm serve {model}"], "*does not say where {port} go*"),
        ([f"--unicomp-serve={SERVER}", "--unicomp-backend=hf"], "*--unicomp-serve is for --unicomp-backend=server*"),
        (["--unicomp-backend-candidate=server"], "*--unicomp-backend-candidate, server, needs --unicomp-serve-candidate=COMMAND*"),
        (
            [f"--unicomp-serve-candidate={SERVER}", "--unicomp-backend-candidate=lm-eval:hf"],
            "*--unicomp-serve-candidate is for candidates behind a server; *lm-eval:hf: leave one out*",
        ),
        (["--unicomp-backend=server"], "*--unicomp-backend=server needs --unicomp-serve=COMMAND*"),
        (["--unicomp-backend=sever"], "*expected one of hf, server, lm-eval:NAME. Did you mean 'server'*"),
        (["--unicomp-reference=http://host/v1"], "*other models in this process, which cannot be compared (engine)*"),
        (["--unicomp-candidate=http://host:x/v1", "--unicomp-backend=hf"], "*not the address of a server*"),
        ([f"--unicomp-serve={SERVER}", "--unicomp-executor=process"], "*served models do not go together*"),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_one_line(gate, words, line):
    result = gate(*words)
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])
