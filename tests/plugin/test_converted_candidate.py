"""`--unicomp-candidate` with a checkpoint that needs other libraries' kernels: converted once, gated like any other, told as what it is."""

import json

import pytest

from pytest_unicomp.checkpoints import hub
from tests import packed_formats
from tests.plugin.test_bad_input import assert_refused


@pytest.fixture(scope="module")
def gptq(tmp_path_factory):
    """nano in GPTQ's format, 8 bits: close enough to keep what it can."""
    folder = tmp_path_factory.mktemp("made-elsewhere") / "nano-gptq"
    write_nano(folder, bits=8, group=64)
    return folder


def write_nano(folder, **how):
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    source = folder.parent / "float32"
    shutil.copytree(hub.resolve("nano", None), source, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    held = load_file(source / "model.safetensors")
    # numpy has no bfloat16.
    save_file({name: tensor.to(torch.float32) for name, tensor in held.items()}, source / "model.safetensors", metadata={"format": "pt"})
    packed_formats.write(source, folder, "gptq", **how)
    written = load_file(folder / "model.safetensors")
    small = {name: tensor.to(torch.bfloat16) if tensor.dtype == torch.float32 else tensor for name, tensor in written.items()}
    save_file(small, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_gptq_checkpoint_is_gated_and_counted_as_the_files_that_would_ship(gate, gptq):
    before = {path.name: path.stat().st_mtime_ns for path in gptq.iterdir()}
    report = gate.report(f"--unicomp-candidate={gptq}", recipe=None, benchmark="nano-knowledge,bytes")
    (recipe,) = report["recipes"]
    made, original = recipe["artifact"], recipe["settings"]["original"]
    size = (gptq / "model.safetensors").stat().st_size
    assert (made["bytes"], original["bytes"]) == (size, size)
    assert made["bits_per_weight"] == pytest.approx(8 * size / report["reference"]["parameters"])
    assert original["format"] == "gptq: weights int8 in groups of 64"
    assert original["fingerprint"] == hub.fingerprint(gptq)
    (bytes_check,) = [check for check in report["checks"] if check["benchmark"] == "bytes"]
    assert bytes_check["candidate"]["value"] == size
    (artifact_check,) = [check for check in report["checks"] if check["question"] == "artifact"]
    assert artifact_check["verdict"] == "pass", artifact_check["reason"]
    (retention,) = [check for check in report["checks"] if check["question"] == "retention"]
    assert retention["candidate"]["value"] == pytest.approx(retention["reference"]["value"], abs=0.1)
    assert {path.name: path.stat().st_mtime_ns for path in gptq.iterdir()} == before


def test_it_is_converted_once_per_content(gate, gptq):
    gate(f"--unicomp-candidate={gptq}", recipe=None)
    weights = {path: path.stat().st_mtime_ns for path in (gate.store / "conversions").rglob("*.safetensors")}
    assert weights
    again = gate(f"--unicomp-candidate={gptq}", recipe=None)
    assert "convert" not in again.stdout.str()
    assert {path: path.stat().st_mtime_ns for path in (gate.store / "conversions").rglob("*.safetensors")} == weights
    assert len(weights) == 1


def test_damage_in_the_shipped_files_fails_the_artifact_though_conversion_would_hide_it(gate, gptq, pytester):
    import shutil

    copy = pytester.path / "wrapped"
    shutil.copytree(gptq, copy)
    (copy / "training_args.bin").write_bytes(b"\x80")
    report = gate.report(f"--unicomp-candidate={copy}", recipe=None)
    (check,) = [check for check in report["checks"] if check["question"] == "artifact"]
    assert (check["verdict"], report["exit_code"]) == ("fail", 1)
    assert "training_args.bin" in check["reason"]


def test_a_packing_that_cannot_be_converted_is_refused_before_anything_runs(gate, gptq, pytester):
    import shutil

    copy = pytester.path / "marlin"
    shutil.copytree(gptq, copy)
    config = json.loads((copy / "config.json").read_text())
    config["quantization_config"]["checkpoint_format"] = "marlin"
    (copy / "config.json").write_text(json.dumps(config))
    assert_refused(gate(f"--unicomp-candidate={copy}", recipe=None), "packing 'marlin' is not known here", "gptq_v2")
