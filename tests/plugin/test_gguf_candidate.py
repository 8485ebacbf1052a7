"""GGUF files as candidate and as reference: unpacked once, judged as the files that would ship."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf import GGMLQuantizationType

from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys
from tests.plugin.test_bad_input import assert_refused


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gguf_toys.write(NANO, tmp_path_factory.mktemp("gguf") / "nano-Q4_0.gguf", GGMLQuantizationType.Q4_0)


def test_a_gguf_file_scores_as_the_same_weights_unpacked_and_is_counted_as_the_file(gate, packed, tmp_path):
    twin = tmp_path / "unpacked"
    twin.mkdir()
    gguf.unpack(gguf.read(packed), twin, NANO)
    report = gate.report(f"--unicomp-candidate={packed}", f"--unicomp-candidate={twin}", recipe=None, benchmark="nano-knowledge,bytes")
    values = {check["recipe"]: check["candidate"]["value"] for check in report["checks"] if check["question"] == "retention"}
    assert values == {"nano-Q4_0.gguf": pytest.approx(values["unpacked"]), "unpacked": values["unpacked"]}
    sizes = {check["recipe"]: check["candidate"]["value"] for check in report["checks"] if check["benchmark"] == "bytes"}
    assert sizes["nano-Q4_0.gguf"] == packed.stat().st_size < sizes["unpacked"]
    artifact = {check["recipe"]: check for check in report["checks"] if check["question"] == "artifact"}["nano-Q4_0.gguf"]
    assert (artifact["verdict"], artifact["n"]) == ("pass", 9)
    recipe = next(recipe for recipe in report["recipes"] if recipe["recipe"] == "nano-Q4_0.gguf")
    assert recipe["artifact"]["bits_per_weight"] == pytest.approx(4.5, abs=0.05)
    assert recipe["settings"]["original"]["format"] == "GGUF llama: Q4_0 100 % of the weights"


def test_a_gguf_file_can_be_the_reference_that_a_recipe_compresses(gate, packed, tmp_path):
    gate.store = tmp_path / "store"
    report = gate.report(model=str(packed), recipe="rtn-w8a16", benchmark="nano-knowledge,bytes")
    assert report["reference"]["bytes"] == packed.stat().st_size
    assert {check["question"] for check in report["checks"]} >= {"retention", "efficiency", "artifact"}
    [check] = [check for check in report["checks"] if check["question"] == "retention"]
    assert check["verdict"] != "error"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"GGUF\x03\x00", "is not a sound GGUF file: it ends at byte 6"),
        (b"not that", "is not a GGUF file"),
    ],
)
def test_a_broken_file_is_refused_before_anything_runs(gate, tmp_path, written, found):
    path = tmp_path / "broken.gguf"
    path.write_bytes(written)
    assert_refused(gate(f"--unicomp-candidate={path}", recipe=None), found)


def test_an_architecture_that_cannot_be_unpacked_says_what_serves_it(gate, tmp_path):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf", stated={"attention.surprise": 7})
    assert_refused(gate(f"--unicomp-candidate={path}", recipe=None), "llama.attention.surprise = 7", "llama-server")
