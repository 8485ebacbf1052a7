"""Filling an offline bundle, from a folder that stands for the hub: nothing twice, checksums, and no half manifest."""

import json
import shutil

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints import hub as checkpoints
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.cli.commands.prefetch import MANIFEST, Piece, check, pieces, prefetch
from tests.loopback_hub import Repository, nano_in_two_revisions


@pytest.fixture
def hub(tmp_path):
    source = tmp_path / "hub"
    for name in ("allenai/ai2_arc/ARC-Easy/test.parquet", "org/model/config.json", "org/model/model.safetensors"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name, encoding="utf-8")

    def fetch(piece, folder):
        if not (source / piece.name).is_dir():
            raise InfrastructureError(f"unicomp: {piece.name} could not be downloaded")
        shutil.copytree(source / piece.name, folder, dirs_exist_ok=True)

    return fetch


def test_each_piece_is_named_once():
    found = pieces(["arc_easy,".rstrip(","), "arc_challenge", "ifeval", "trustllm-jailbreak", "nano-safety"], ["nano", "org/model"])
    assert [(piece.kind, piece.name) for piece in found] == [
        ("dataset", "allenai/ai2_arc"),
        ("dataset", "google/IFEval"),
        ("nltk", "punkt_tab"),
        ("dataset", "TrustLLM/TrustLLM-dataset"),
        ("model", "org/model"),
    ]
    assert found[3].files == ("safety/jailbreak.json",)


def test_what_compares_replies_brings_its_embedding_model():
    found = pieces(["trustllm-advinstruction", "trustllm-sycophancy-persona"], [])
    assert [(piece.kind, piece.name) for piece in found] == [
        ("dataset", "TrustLLM/TrustLLM-dataset"),
        ("model", "sentence-transformers/all-MiniLM-L6-v2"),
        ("dataset", "TrustLLM/TrustLLM-dataset"),
    ]


def test_calibration_text_is_fetched_by_the_name_of_its_mixture_and_no_more_of_c4_than_is_read():
    found = pieces([], [], ["generic", "reasoning=.5,multilingual=.5"])
    assert [piece.name for piece in found] == [
        "allenai/c4",
        "allenai/ai2_arc",
        "openai/gsm8k",
        "EleutherAI/hendrycks_math",
        "juletxara/mgsm",
    ]
    assert found[0].files == ("en/c4-train.00000-of-01024.json.gz",)
    with pytest.raises(UsageProblem, match="no calibration mixture named 'genric'"):
        pieces([], [], ["genric"])


def test_an_unknown_benchmark_is_answered_with_the_nearest():
    with pytest.raises(UsageProblem, match="arc_easy"):
        pieces(["arc_eazy"], [])


def test_a_bundle_is_filled_and_checked(hub, tmp_path):
    bundle = tmp_path / "bundle"
    wanted = [Piece("dataset", "allenai/ai2_arc"), Piece("model", "org/model")]
    assert prefetch(wanted, bundle, progress=lambda _: None, fetch=hub) == 3
    assert check(bundle) == []
    assert set(json.loads((bundle / MANIFEST).read_text())["sha256"]) == {
        "allenai/ai2_arc/ARC-Easy/test.parquet",
        "org/model/config.json",
        "org/model/model.safetensors",
    }
    (bundle / "org/model/config.json").write_text("changed", encoding="utf-8")
    (bundle / "org/model/model.safetensors").unlink()
    assert [problem.partition(" ")[2][:11] for problem in check(bundle)] == ["has changed", "is missing."]
    with pytest.raises(InfrastructureError, match="Remove it and download it again"):
        prefetch(wanted, bundle, progress=lambda _: None, fetch=hub)


def test_what_cannot_be_fetched_leaves_no_manifest(hub, tmp_path):
    with pytest.raises(InfrastructureError, match="other/model could not be downloaded"):
        prefetch([Piece("model", "org/model"), Piece("model", "other/model")], tmp_path / "bundle", progress=lambda _: None, fetch=hub)
    assert not (tmp_path / "bundle" / MANIFEST).exists()
    with pytest.raises(UsageProblem, match="expected the manifest"):
        check(tmp_path / "bundle")


@pytest.fixture
def served(loopback, tmp_path):
    """A hub with nano in two revisions, and a data set."""
    loopback.models["org/nano"] = nano_in_two_revisions(tmp_path)
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "test.jsonl").write_text("{}\n")
    loopback.datasets["org/questions"] = Repository({"main": tmp_path / "questions"})
    return loopback


def test_a_bundle_that_a_hub_filled_serves_the_same_names_without_it(served, tmp_path):
    bundle = tmp_path / "bundle"
    wanted = [*pieces([], ["org/nano", "org/nano@old", "nano"]), Piece("dataset", "org/questions")]
    prefetch(wanted, bundle, progress=lambda message: None)
    assert check(bundle) == []
    served.status = 503
    assert checkpoints.fingerprint(checkpoints.resolve("org/nano", bundle)) == checkpoints.fingerprint(NANO)
    assert (checkpoints.resolve("org/nano@old", bundle) / "generation_config.json").read_text() == '{"temperature": 0.25}'
    assert (bundle / "org" / "questions" / "test.jsonl").read_text() == "{}\n"


def test_a_bundle_that_cannot_be_filled_says_so_before_the_first_file(served, tmp_path):
    served.datasets["org/questions"].gated = True
    with pytest.raises(UsageProblem, match="the data set org/questions is gated and no token is set"):
        prefetch([*pieces([], ["org/nano"]), Piece("dataset", "org/questions")], tmp_path / "bundle", progress=lambda message: None)
    assert not (tmp_path / "bundle").exists()
