"""What the hub is asked before anything is fetched, and the one line for each of its answers."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.checkpoints import hub_access
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.checkpoints.hub_access import Repository, ask, require_readable
from tests import loopback_hub

MODEL, DATA = Repository("model", "org/nano"), Repository("dataset", "org/questions")
SECONDS = 8


@pytest.fixture
def served(loopback, tmp_path):
    """The hub with a model and a data set."""
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "test.jsonl").write_text("{}\n")
    loopback.models["org/nano"] = loopback_hub.Repository({"main": NANO, "v1": NANO})
    loopback.datasets["org/questions"] = loopback_hub.Repository({"main": tmp_path / "questions"})
    return loopback


def refused(wanted: Repository, kind: type[UnicompError]) -> str:
    """The one line that a repository is refused with, within seconds."""
    began = time.monotonic()
    with pytest.raises(kind) as found:
        require_readable([wanted, wanted])
    assert time.monotonic() - began < SECONDS
    assert "\n" not in str(found.value)
    return str(found.value)


def test_each_repository_is_asked_for_once_and_no_file_is_fetched(served):
    require_readable([MODEL, DATA, MODEL, Repository("model", "org/nano", "v1")])
    assert served.paths == ["api/models/org/nano", "api/datasets/org/questions", "api/models/org/nano/revision/v1"]


def test_a_name_that_the_hub_does_not_have_is_a_usage_problem(served):
    line = refused(Repository("model", "org/nanno"), UsageProblem)
    assert "the model org/nanno is not on the hub" in line
    assert "if it is private, set HF_TOKEN" in line
    assert "the data set org/answers is not on the hub" in refused(Repository("dataset", "org/answers"), UsageProblem)


def test_a_revision_that_the_repository_does_not_have_is_a_usage_problem(served):
    line = refused(Repository("model", "org/nano", "v9"), UsageProblem)
    assert "the model org/nano@v9 is not on the hub: the repository has no such revision" in line


def test_a_gated_repository_needs_a_token_that_may_read_it(served, monkeypatch):
    served.models["org/nano"].gated = True
    assert "is gated and no token is set; accept its conditions" in refused(MODEL, UsageProblem)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    line = refused(MODEL, UsageProblem)
    assert "is gated and the token that is set may not read it" in line
    assert "hf_wrong" not in line
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    require_readable([MODEL])


@pytest.mark.parametrize(("status", "words"), [(429, "takes no more requests"), (503, "answers with status 503"), (500, "status 500")])
def test_a_hub_in_trouble_is_an_infrastructure_error(served, status, words):
    served.status = status
    assert words in refused(MODEL, InfrastructureError)
    assert len(served.asked) == 1


def test_a_hub_that_nobody_serves_is_named_with_what_to_type(served, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    line = refused(DATA, InfrastructureError)
    assert f"the hub does not answer at {address}" in line
    assert "`unicomp prefetch --bundle DIR`" in line


def test_a_hub_that_never_answers_is_given_up_within_seconds(served, monkeypatch):
    monkeypatch.setattr(hub_access, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "does not answer" in refused(MODEL, InfrastructureError)


def test_offline_nothing_is_asked_and_what_is_missing_is_counted(served, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageProblem, match=r"the model org/nano \(and 1 more\) is not on this machine and HF_HUB_OFFLINE forbids fetching"):
        require_readable([MODEL, DATA])
    assert served.asked == []


def test_what_is_cached_is_not_asked_for(served, monkeypatch):
    home = Path(constants.HF_HOME)
    (home / "hub" / "models--org--nano" / "snapshots" / "0").mkdir(parents=True)
    (home / "datasets" / "org___questions").mkdir(parents=True)
    served.status = 503
    require_readable([MODEL, DATA])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    require_readable([MODEL, DATA])
    assert served.asked == []
    # A copy of the main branch says nothing about another revision, and a bundle is filled from the hub whatever the caches hold.
    for question in (lambda: require_readable([Repository("model", "org/nano", "v1")]), lambda: ask([MODEL])):
        with pytest.raises(UsageProblem, match="HF_HUB_OFFLINE"):
            question()
