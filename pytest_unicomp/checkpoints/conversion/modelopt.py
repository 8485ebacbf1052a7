"""ModelOpt -> compressed-tensors: FP8 codes are unchanged, compressed-tensors' own converter renames NVFP4 tensors, KV cache scales are renamed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.formats import QuantizedLayer
from pytest_unicomp.checkpoints.formats.modelopt import rounds_cache

if TYPE_CHECKING:
    import torch

# What ModelOpt stores beside a weight, and what no engine but its own reads.
BESIDE = ("weight_scale", "weight_scale_2", "input_scale")
UNKNOWN = ("pre_quant_scale", "weight_zero_point")
SCALARS = ("weight_scale", "input_scale", "weight_global_scale", "input_global_scale")


def converter(quantization: Mapping[str, Any], layers: list[QuantizedLayer]) -> ModelOptConverter:
    """Return the converter for these layers; raises UsageProblem for what compressed-tensors has no place for."""
    for layer in layers:
        found = next((part for part in UNKNOWN if part in layer.parts), None)
        if found or ".experts." in layer.name:
            why = f"has a {found}" if found else "is an expert, whose rounded activations are not computed here"
            raise UsageProblem(
                f"unicomp: layer {layer.name} of this ModelOpt checkpoint {why}; "
                "serve it with --unicomp-serve='vllm serve {model} --port {port}'."
            )
    kinds = {layer.name: (round(layer.bits), "input_scale" in layer.parts) for layer in layers}
    beside = {layer.name: frozenset(part for part in BESIDE if part in layer.parts) for layer in layers}
    cache = {
        f"{layer.name}.{part}": f"{layer.name.rpartition('.')[0]}.{part}"
        for layer in layers
        for part in ("k_scale", "v_scale")
        if part in layer.parts
    }
    return ModelOptConverter(kinds, beside, cache, rounds_cache(quantization))


@dataclass(frozen=True)
class ModelOptConverter:
    """compressed_tensors' Converter protocol for ModelOpt.

    `kinds`: each layer's bits (4 or 8), and True if its inputs are quantized too. `beside`: the scales stored with each layer. `cache`: old
    and new name of each scale of the KV cache, if `rounds_cache`.
    """

    kinds: Mapping[str, tuple[int, bool]]
    beside: Mapping[str, frozenset[str]]
    cache: Mapping[str, str]
    rounds_cache: bool

    def get_dependencies(self, weight_name: str) -> set[str]:
        """Return the tensors that a weight is read together with, wherever they lie."""
        module, _, kind = weight_name.rpartition(".")
        return {f"{module}.{part}" for part in self.beside.get(module, ())} if kind == "weight" else set()

    def validate(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors as `process` makes them; shapes were checked before."""
        return self.process(tensors)

    def process(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Rename NVFP4's tensors and the scales of the cache, and give every scale of a tensor the shape (1,)."""
        from compressed_tensors.entrypoints.convert import ModelOptNvfp4Converter

        four_bits = [name for name, (bits, _) in self.kinds.items() if bits == 4]
        if four_bits:
            tensors = ModelOptNvfp4Converter(targets=four_bits).process(tensors)
        for name in list(tensors):
            module, _, kind = name.rpartition(".")
            if name in self.cache:
                scale = tensors.pop(name)
                if self.rounds_cache:
                    tensors[self.cache[name]] = scale.reshape(1)
            elif kind in SCALARS and module in self.kinds and tensors[name].ndim == 0:
                tensors[name] = tensors[name].reshape(1)
        return tensors

    def update_config(self, config: object) -> Any:
        """Return the QuantizationConfig with one group per kind, its layers by name."""
        from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme
        from compressed_tensors.quantization.quant_scheme import FP8, NVFP4

        presets = {8: (FP8, "float-quantized"), 4: (NVFP4, "nvfp4-pack-quantized")}
        groups = {}
        for place, kind in enumerate(sorted(set(self.kinds.values()))):
            preset, form = presets[kind[0]]
            arguments = preset if kind[1] else {"weights": preset["weights"]}
            targets = [name for name, found in self.kinds.items() if found == kind]
            groups[f"group_{place}"] = QuantizationScheme(targets=targets, format=form, **arguments)
        cache = QuantizationArgs(num_bits=8, type="float", strategy="tensor", dynamic=False, symmetric=True) if self.rounds_cache else None
        form = next(iter(groups.values())).format if len(groups) == 1 else "mixed-precision"
        return QuantizationConfig(config_groups=groups, ignore=[], kv_cache_scheme=cache, format=form, quantization_status="compressed")

    def update_model_config(self, model_config: dict[str, Any]) -> dict[str, Any]:
        """Leave the model configuration unchanged: only its quantization_config is replaced."""
        return model_config
