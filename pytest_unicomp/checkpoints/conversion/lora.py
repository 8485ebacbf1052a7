"""LoRA adapter (peft) -> dense weights: merged in float32 into its base, by peft, tensor for tensor or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.foreign import read_object
from pytest_unicomp.checkpoints.recognize import ADAPTER

WEIGHTS = "adapter_model.safetensors"
SERVE = "serve it with --unicomp-serve, or merge it and give the merged folder"


def base_name(adapter: Path) -> str:
    """Return the name of the base that adapter_config.json gives; raises UsageProblem if it gives none."""
    named = _config(adapter).get("base_model_name_or_path")
    if not isinstance(named, str) or not named:
        raise UsageProblem(f"unicomp: {adapter / ADAPTER} names no base_model_name_or_path; write the base's name or folder there.")
    return named


def describe(adapter: Path) -> str:
    """Return one phrase such as "LoRA adapter of rank 8 on org/name"."""
    return f"LoRA adapter of rank {_config(adapter).get('r', 'unknown')} on {base_name(adapter)}"


def require_mergeable(adapter: Path, *, has_base: bool) -> None:
    """Raise UsageProblem if the folder holds no LoRA weights in safetensors, or if `has_base` is False: its base is not on this machine."""
    kind = _config(adapter).get("peft_type")
    if kind != "LORA":
        raise UsageProblem(f"unicomp: {adapter} is an adapter of the type {kind}; expected LORA: {SERVE}.")
    if not (adapter / WEIGHTS).is_file():
        raise UsageProblem(f"unicomp: the adapter {adapter} holds no {WEIGHTS}; save it again with peft, as safetensors.")
    if not has_base:
        raise UsageProblem(
            f"unicomp: the adapter {adapter} needs its base {base_name(adapter)}, which is not here; "
            f"give the base as the reference and the adapter as its candidate: unicomp gate {base_name(adapter)} --candidate {adapter}"
        )


def require_plain_base(base: Path, quantization: dict[str, Any]) -> None:
    """Raise UsageProblem if the base rounds activations or its KV cache, which merged weights would no longer do."""
    groups = (quantization.get("config_groups") or {}).values()
    rounds = any(group.get("input_activations") or group.get("output_activations") for group in groups)
    if rounds or quantization.get("kv_cache_scheme"):
        raise UsageProblem(f"unicomp: {base}, the base of an adapter, rounds activations, which merged weights would not; {SERVE}.")
    if quantization and quantization.get("quant_method") != "compressed-tensors":
        raise UsageProblem(f"unicomp: {base}, the base of an adapter, is stored as {quantization.get('quant_method')}; {SERVE}.")


def merge(adapter: Path, base: Path, destination: Path) -> None:
    """Write the dense checkpoint that `adapter` makes of `base` into the empty folder `destination`, in float32.

    `base` is a dense checkpoint, or compressed-tensors that rounds weights alone, which are unpacked. Tokenizer and template are the adapter's, if
    it has its own. Raises InfrastructureError if a tensor of the adapter has no place in the base, or one that it needs is missing.
    """
    from peft import PeftConfig, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    adapted: Any = get_peft_model(_base_model(base), PeftConfig.from_pretrained(str(adapter)))
    loaded: Any = set_peft_model_state_dict(adapted, load_file(adapter / WEIGHTS))
    missing = [name for name in loaded.missing_keys if "lora_" in name or "modules_to_save" in name]
    for names, what in ((sorted(loaded.unexpected_keys), "has no place in"), (sorted(missing), "is missing for")):
        if names:
            raise InfrastructureError(
                f"unicomp: {names[0]} of the adapter {adapter} {what} the base {base} ({len(names)} in all); check which base it was trained on."
            )
    adapted.merge_and_unload().save_pretrained(destination)
    _copy_tokenizer(adapter if (adapter / "tokenizer_config.json").is_file() else base, destination)
    if (base / "generation_config.json").is_file():
        shutil.copyfile(base / "generation_config.json", destination / "generation_config.json")


def _base_model(base: Path) -> Any:
    """Return the base as a model of plain float32 weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    quantization = getattr(config, "quantization_config", None)
    if quantization:
        quantization["dequantize"] = True
    model = AutoModelForCausalLM.from_pretrained(base, config=config, dtype=torch.float32, local_files_only=True, trust_remote_code=False)
    if quantization:
        from compressed_tensors.offload import remove_dispatch

        remove_dispatch(model, onload_tensors=True)
        model = _dense(model)
    return model


def _dense(model: Any) -> Any:
    """Return a model of the same class and weights that knows nothing of their quantization."""
    import torch

    weights = model.state_dict()
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(model)(config).to(torch.float32)
    plain.load_state_dict({name: weights[name].to(torch.float32) for name in plain.state_dict()})
    plain.tie_weights()
    return plain


def _copy_tokenizer(source: Path, destination: Path) -> None:
    from pytest_unicomp.checkpoints.hub import FETCHED

    for pattern in FETCHED:
        for file in source.glob(pattern):
            others = file.suffix == ".safetensors" or file.name in ("config.json", "generation_config.json", ADAPTER)
            if not others and not file.name.endswith(".index.json"):
                shutil.copyfile(file, destination / file.name)


def _config(adapter: Path) -> dict[str, Any]:
    file = adapter / ADAPTER
    return read_object(file)
