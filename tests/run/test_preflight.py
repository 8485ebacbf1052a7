"""What is wrong with the settings of a run is found before anything starts, and nothing is made by looking."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.preflight import preflight


def settings(folder: Path, **more):
    return resolve({"model": "nano", "recipe": ["dense"], "benchmark": ["bytes"], "cache": str(folder / "store"), **more}, {})


def test_what_a_run_begins_with_follows_from_the_settings_and_nothing_is_written(tmp_path):
    found = preflight(settings(tmp_path, alpha="0.1", limit=8))
    assert [(cell.recipe, cell.benchmark) for cell in found.plan.cells] == [("dense", "bytes")]
    assert (found.policy.alpha, found.evaluation.limit) == (0.1, 8)
    assert not (tmp_path / "store").exists()


def test_a_bundle_that_keeps_its_hub_beside_other_sources_is_read_there(tmp_path):
    (tmp_path / "bundle" / "hub").mkdir(parents=True)
    found = preflight(settings(tmp_path, bundle=str(tmp_path / "bundle")))
    assert found.settings.bundle == found.evaluation.bundle == tmp_path / "bundle" / "hub"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"bundle": "nowhere"}, "--unicomp-bundle nowhere is not a folder"),
        ({"candidate": ["./nowhere"]}, "nowhere"),
        ({"device": "cuda:99"}, "--unicomp-device=cuda:99 is not here"),
        ({"benchmark": ["nano-safety"], "reference": "stored", "baselines": "none-here", "limit": 8}, "make it once with"),
        ({"recipe": ["wanda-50"], "calibration": "no-such-mixture"}, "no-such-mixture"),
        ({"benchmark": ["nano-safety"], "sequential": True, "update": "all"}, "measures parts, and a baseline is a whole"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(tmp_path, monkeypatch, more, words):
    monkeypatch.chdir(tmp_path)
    # The packaged baselines would serve a stored reference.
    monkeypatch.setattr("pytest_unicomp.run.preflight.packaged", lambda: tmp_path / "no-baselines")
    with pytest.raises(UsageProblem, match=words):
        preflight(settings(tmp_path, **more))
    assert not (tmp_path / "store").exists()


def test_a_key_of_one_candidate_does_not_hide_that_another_cannot_be_loaded(tmp_path):
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "config.json").write_text('{"model_type": "llama", "quantization_config": {"quant_method": "no-such-method"}}')
    (tmp_path / "packed" / "model.safetensors").touch()
    flags = {"model": "nano", "candidate": [str(tmp_path / "packed")], "benchmark": ["bytes"], "cache": str(tmp_path / "store")}
    with pytest.raises(UsageProblem, match="quantized by 'no-such-method', which is not evaluated here"):
        preflight(resolve(flags, {"candidates": {"packed": {"key_variable": "UNICOMP_API_KEY"}}}))


def test_a_limit_on_what_this_run_does_not_measure_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="decode-latency"):
        preflight(resolve({"model": "nano", "recipe": ["dense"], "benchmark": ["bytes"]}, {"limits": {"decode-latency": "0.8x"}}))


def test_a_small_default_of_calibration_text_is_noted_with_what_sets_another(tmp_path, monkeypatch):
    from pytest_unicomp.calibration import amount
    from pytest_unicomp.checkpoints.hub import NANO

    monkeypatch.setattr(amount, "OPERATIONS_ON_A_CPU", 0)
    (tmp_path / "own.jsonl").write_text('{"text": "words"}\n')
    text = {"calibration": str(tmp_path / "own.jsonl")}
    noted = preflight(settings(tmp_path, model=str(NANO), recipe=["wanda-50"], **text)).plan.notes
    assert any(note.startswith("calibration text: 32 x ") and "--unicomp-calibration-samples" in note for note in noted)
    assert preflight(settings(tmp_path, model=str(NANO), **text)).plan.notes == ()


@pytest.mark.parametrize(
    ("recipe", "device", "gpus", "words"),
    [
        (
            "gptq-w4a16",
            "cuda:1",
            2,
            "llm-compressor compresses gptq-w4a16 on the first visible GPU.*CUDA_VISIBLE_DEVICES=1 --unicomp-device=cuda",
        ),
        ("gptq-w4a16", "cpu", 1, r"--unicomp-device=cpu, but llm-compressor .*CUDA_VISIBLE_DEVICES= \(empty\)"),
        ("autoawq-w4a16", "cuda:0", 2, "AutoAWQ compresses autoawq-w4a16 on all visible GPUs"),
        ("gptq-w4a16", "cuda", 2, None),
        ("autoawq-w4a16", "cuda", 1, None),
        ("dense", "cpu", 2, None),
        ("magnitude-50", "cpu", 0, None),
        ("gptq-w4a16", "cpu", 0, None),
    ],
)
def test_a_recipe_is_refused_that_would_be_made_on_another_device(tmp_path, monkeypatch, recipe, device, gpus, words):
    from pytest_unicomp.engine.host import host

    resolve_device = host.resolve_device
    monkeypatch.setattr(host, "accelerators", lambda: ("Toy GPU",) * gpus)
    monkeypatch.setattr(host, "unavailable_reason", lambda _: None)
    monkeypatch.setattr(host, "resolve_device", lambda name: ("cuda:0" if gpus else "cpu") if name == "auto" else resolve_device(name))
    asked = settings(tmp_path, recipe=[recipe], device=device)
    if words is None:
        preflight(asked)
    else:
        with pytest.raises(UsageProblem, match=words):
            preflight(asked)
