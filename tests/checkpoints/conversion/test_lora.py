"""A LoRA adapter is evaluated as base plus scaled product, and is refused if one of the two is not whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints import checks, conversion, hub
from tests.methods import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.checkpoint(tmp_path_factory.mktemp("models") / "llama")


def adapter(base: Path, folder: Path, named: str | None = None) -> Path:
    """Let peft write an adapter of rank 4 for attention, with random numbers in both factors."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    adapted = get_peft_model(tiny.load(base), LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj", "v_proj"]))
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = 0.1 * torch.randn_like(parameter)
    adapted.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": named or str(base)}))
    return folder


def merged(found: Path, base: Path, destination: Path) -> Path:
    destination.mkdir()
    conversion.convert(found, destination, base)
    return destination


def test_the_merged_weights_are_base_plus_scaled_product(base: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    found = adapter(base, tmp_path / "adapter")
    assert conversion.needed(found) == "lora"
    folder = merged(found, base, tmp_path / "merged")
    weights, before, factors = (
        load_file(file) for file in (folder / "model.safetensors", base / "model.safetensors", found / "adapter_model.safetensors")
    )
    for name, tensor in before.items():
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        added = 3 * factors[f"{stem}.lora_B.weight"] @ factors[f"{stem}.lora_A.weight"] if f"{stem}.lora_A.weight" in factors else 0
        torch.testing.assert_close(weights[name], tensor + added, rtol=0, atol=1e-6)
    failed = {finding.check: finding.found for finding in checks.inspect(folder, base) if finding.status == "fail"}
    assert failed == {}
    engine.load(folder, device="cpu", dtype="auto")


def test_a_packed_base_is_unpacked_first(base: Path, tmp_path: Path) -> None:
    import torch

    packed = tiny.run("rtn-w4a16", base, tmp_path / "packed")
    folder = merged(adapter(base, tmp_path / "adapter", str(packed)), packed, tmp_path / "merged")
    unpacked = engine.load(packed, device="cpu", dtype="auto").model.state_dict()
    for name, tensor in engine.load(folder, device="cpu", dtype="auto").model.state_dict().items():
        if "q_proj" not in name and "v_proj" not in name:
            torch.testing.assert_close(tensor, unpacked[name], rtol=0, atol=1e-6)


def test_a_base_that_rounds_activations_is_refused(base: Path, tmp_path: Path) -> None:
    rounded = tiny.run("fp8-dynamic", base, tmp_path / "fp8")
    with pytest.raises(UsageProblem, match="rounds activations, which merged weights would not; serve it"):
        merged(adapter(base, tmp_path / "adapter"), rounded, tmp_path / "merged")


def test_an_adapter_without_its_base_is_refused_in_one_line(base: Path, tmp_path: Path) -> None:
    found = adapter(base, tmp_path / "adapter", "org/absent")
    hub.validate(str(found), None)
    with pytest.raises(UsageProblem, match="needs its base org/absent, which is not here; give the base as the reference"):
        conversion.require_convertible(found, has_base=False)


@pytest.mark.parametrize("change", ["lost", "foreign"])
def test_an_adapter_is_merged_whole_or_not_at_all(base: Path, tmp_path: Path, change: str) -> None:
    from safetensors.torch import load_file, save_file

    found = adapter(base, tmp_path / "adapter")
    factors: dict[str, Any] = load_file(found / "adapter_model.safetensors")
    name = next(name for name in factors if "lora_A" in name)
    tensor = factors[name] if change == "foreign" else factors.pop(name)
    if change == "foreign":
        factors[name.replace("layers.0", "layers.7")] = tensor.clone()
    save_file(factors, found / "adapter_model.safetensors")
    with pytest.raises(
        InfrastructureError, match={"lost": "is missing for the base", "foreign": r"layers\.7.* has no place in the base"}[change]
    ):
        merged(found, base, tmp_path / "merged")


def test_another_kind_of_adapter_and_one_without_safetensors_are_refused(base: Path, tmp_path: Path) -> None:
    found = adapter(base, tmp_path / "adapter")
    (found / "adapter_model.safetensors").rename(found / "adapter_model.bin")
    with pytest.raises(UsageProblem, match=r"holds no adapter_model\.safetensors"):
        conversion.require_convertible(found)
    config = json.loads((found / "adapter_config.json").read_text())
    (found / "adapter_config.json").write_text(json.dumps(config | {"peft_type": "IA3"}))
    with pytest.raises(UsageProblem, match="an adapter of the type IA3; expected LORA"):
        conversion.require_convertible(found)


def test_the_fingerprint_of_an_adapter_changes_with_its_strength(base: Path, tmp_path: Path) -> None:
    found = adapter(base, tmp_path / "adapter")
    before = hub.fingerprint(found)
    config = json.loads((found / "adapter_config.json").read_text())
    (found / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 24}))
    assert hub.fingerprint(found) != before
