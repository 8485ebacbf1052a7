"""Endpoints, the command that starts one, and the engine that makes a served model look like a loaded one."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import Engine, load
from pytest_unicomp.engine.serving import Endpoint, ServeCommand, connect
from pytest_unicomp.engine.serving.command import validate
from tests.engine.serving import loopback
from tests.engine.serving.loopback import Loopback

EVALUATION = Evaluation(limit=30, seed=0, bundle=None, device="cpu", dtype="float32")
SERVER = f"{shlex.quote(sys.executable)} {shlex.quote(loopback.__file__)} {{model}} {{port}}"


@pytest.fixture(scope="module")
def nano() -> Engine:
    return load(NANO, device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("text", "url", "model", "name"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1", None, "127.0.0.1-8000"),
        ("http://host:1/v1/", "http://host:1/v1", None, "host-1"),
        ("https://host/api/v1#org/w4a16", "https://host/api/v1", "org/w4a16", "w4a16"),
    ],
)
def test_an_address_names_server_path_and_model(text, url, model, name):
    endpoint = Endpoint.of(text)
    assert (endpoint.url, endpoint.model, endpoint.name) == (url, model, name)


@pytest.mark.parametrize("text", ["http://", "ftp://host/v1", "http://host:port/v1", "http://host/v1?key=1", "host:8000"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageProblem, match="not the address of a server"):
        Endpoint.of(text)


def test_a_password_in_an_address_is_refused_without_repeating_it():
    with pytest.raises(UsageProblem, match="UNICOMP_API_KEY") as refused:
        Endpoint.of("http://me:secret@host/v1")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["nano-knowledge", "nano-instruction-following", "nano-perplexity"])
def test_a_served_model_gets_the_scores_of_the_same_model_loaded_here(nano, name):
    benchmark = benchmarks()[name]
    here = benchmark.score(nano, EVALUATION)
    with Loopback(nano) as server:
        there = benchmark.score(connect(Endpoint.of(server.url), NANO), EVALUATION)
    assert there.engine == "server"
    assert [item.prompt_digest for item in there.items] == [item.prompt_digest for item in here.items]
    assert [item.answer for item in there.items] == [item.answer for item in here.items]
    assert [item.score for item in there.items] == pytest.approx([item.score for item in here.items], abs=1e-4)
    for mine, its in zip(here.items, there.items, strict=True):
        assert its.log_probabilities == pytest.approx(mine.log_probabilities, abs=1e-3)


def test_a_server_without_prompt_scores_still_generates_and_says_what_it_cannot(nano):
    with Loopback(nano, echo=False) as server:
        engine = connect(Endpoint.of(server.url), NANO)
        assert benchmarks()["nano-instruction-following"].score(engine, EVALUATION).items
        with pytest.raises(InfrastructureError, match=r"cannot score answer options.*echo is not supported"):
            benchmarks()["nano-knowledge"].score(engine, EVALUATION)


def test_a_server_that_takes_text_alone_gets_the_same_prompts(nano):
    benchmark = benchmarks()["nano-instruction-following"]
    with Loopback(nano, echo=False, tokens=False) as server:
        there = benchmark.score(connect(Endpoint.of(server.url), NANO), EVALUATION)
    assert [item.answer for item in there.items] == [item.answer for item in benchmark.score(nano, EVALUATION).items]


def test_several_models_at_one_address_must_be_told_apart(nano):
    with Loopback(nano, names=("base", "w4a16")) as server:
        with pytest.raises(UsageProblem, match=r"serves 2 models \(base, w4a16\); say which"):
            connect(Endpoint.of(server.url), NANO)
        with pytest.raises(UsageProblem, match=r"does not serve 'w4a61'.*Did you mean 'w4a16'"):
            connect(Endpoint.of(f"{server.url}#w4a61"), NANO)
        assert connect(Endpoint.of(f"{server.url}#w4a16"), NANO).lm.model == "w4a16"


def test_the_key_comes_from_its_own_variable_and_another_services_key_is_not_sent(nano, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "somebody-elses")
    with Loopback(nano) as server:
        benchmarks()["nano-instruction-following"].score(connect(Endpoint.of(server.url), NANO), EVALUATION)
        assert server.keys == {None}
        monkeypatch.setenv("UNICOMP_API_KEY", "ours")
        benchmarks()["nano-instruction-following"].score(connect(Endpoint.of(server.url), NANO), EVALUATION)
        assert server.keys == {None, "Bearer ours"}


def test_an_address_where_nobody_answers_is_an_infrastructure_error():
    with pytest.raises(InfrastructureError, match="does not answer"):
        connect(Endpoint.of("http://127.0.0.1:9/v1"), NANO)


def test_a_command_is_started_used_and_stopped(tmp_path):
    # A folder's blanks must stay one word of the command.
    folder = tmp_path / "a checkpoint"
    folder.symlink_to(NANO)
    command = ServeCommand(SERVER, folder)
    engine = connect(command.start(), NANO, stop=command.stop)
    assert benchmarks()["nano-knowledge"].score(engine, EVALUATION).items
    endpoint = engine.endpoint
    engine.release()
    with pytest.raises(InfrastructureError, match="does not answer"):
        endpoint.models()


def test_a_command_that_dies_says_its_last_words():
    program = "import sys; print('no kernel for this card'); sys.exit(3)"
    command = ServeCommand(f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} {{model}} {{port}}", NANO)
    with pytest.raises(InfrastructureError, match="exit status 3 before it answered: no kernel for this card"):
        command.start()


def test_a_command_that_never_answers_is_given_up_and_stopped_with_its_children(tmp_path):
    marker = tmp_path / "child"
    child = f"import os, time; open({str(marker)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); print('loading'); time.sleep(600)"
    command = ServeCommand(f"{shlex.quote(sys.executable)} -u -c {shlex.quote(program)} {{model}} {{port}}", NANO, ready_seconds=2)
    with pytest.raises(InfrastructureError, match=r"did not answer within 2 s.*it said: loading"):
        command.start()
    assert not alive(int(Path(marker).read_text()))


def alive(process: int) -> bool:
    """Say whether a process still runs; a killed one may take a moment to go, or stay as a zombie where nobody reaps orphans."""
    for _ in range(50):
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.1)
    os.kill(process, 0)
    return True


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("vllm serve {model}", "does not say where {port} go"),
        ("vllm 'serve {model} {port}", "cannot be read as a command line"),
        ("no-such-program {model} {port}", "which is not a program here"),
    ],
)
def test_a_command_that_cannot_work_is_refused_before_anything_runs(command, reason):
    with pytest.raises(UsageProblem) as refused:
        validate(command)
    assert reason in str(refused.value)
