"""Models that are fetched from a hub: by name, by revision, one file of a repository, and when it breaks off."""

from __future__ import annotations

import json

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys
from tests.loopback_hub import Repository, nano_in_two_revisions


@pytest.fixture
def served(loopback, tmp_path):
    """The hub with nano in two revisions, and a GGUF file of it in another repository."""
    loopback.models["org/nano"] = nano_in_two_revisions(tmp_path)
    (tmp_path / "gguf").mkdir()
    gguf_toys.write(NANO, tmp_path / "gguf" / "nano-Q8_0.gguf")
    loopback.models["org/nano-GGUF"] = Repository({"main": tmp_path / "gguf"})
    return loopback


def temperature(folder):
    return json.loads((folder / "generation_config.json").read_text()).get("temperature")


def test_a_model_is_fetched_by_its_name_large_files_from_where_the_hub_sends(served):
    folder = hub.resolve("org/nano", None)
    assert hub.fingerprint(folder) == hub.fingerprint(NANO)
    weights = next(NANO.glob("*.safetensors"))
    assert (folder / weights.name).read_bytes() == weights.read_bytes()
    assert any("/" not in path for method, path in served.asked if method == "GET")


def test_a_revision_is_fetched_by_its_name_after_an_at_sign(served):
    assert temperature(hub.resolve("org/nano@old", None)) == 0.25
    assert temperature(hub.resolve("org/nano", None)) != 0.25


def test_one_file_of_a_repository_is_fetched_alone(served, tmp_path):
    found = hub.resolve("org/nano-GGUF/nano-Q8_0.gguf", None)
    assert found.read_bytes() == (tmp_path / "gguf" / "nano-Q8_0.gguf").read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("org/none", "the model org/none is not on the hub"),
        ("org/nano@none", "the repository has no such revision"),
        ("org/nano-GGUF/none.gguf", "lacks a file that is needed"),
    ],
)
def test_what_the_hub_does_not_have_is_one_line(served, name, words):
    with pytest.raises(UsageProblem, match=words) as found:
        hub.resolve(name, None)
    assert "\n" not in str(found.value)


def test_a_connection_that_breaks_once_is_taken_up_again(served):
    served.breaking, served.breaks = next(NANO.glob("*.safetensors")).name, 1
    assert hub.fingerprint(hub.resolve("org/nano", None)) == hub.fingerprint(NANO)
    assert served.breaks == 0


def test_a_connection_that_always_breaks_is_an_infrastructure_error_and_no_half_model(served, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    served.breaking = next(NANO.glob("*.safetensors")).name
    with pytest.raises(InfrastructureError, match=r"the model org/nano could not be fetched whole: the connection to the hub broke off"):
        hub.resolve("org/nano", None)
    served.breaks = 0
    assert hub.fingerprint(hub.resolve("org/nano", None)) == hub.fingerprint(NANO)
