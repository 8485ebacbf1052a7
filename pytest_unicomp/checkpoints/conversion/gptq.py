"""GPTQ (AutoGPTQ, GPTQModel; versions 1 and 2) -> compressed-tensors, which has no converter of its own for it.

Both formats keep the codes of one output as a bit stream with the lowest bit first and count them from 0, so a packed weight is the transpose of
the other; zero points become those that are meant (version 1 stores them less one) and are packed along the outputs. Where `g_idx` permutes the
inputs (act-order), compressed-tensors has no place for the order: the layer is written dense, w = (code - zero point) * scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.formats import QuantizedLayer
from pytest_unicomp.checkpoints.formats.gptq import in_order, index_problems, version

if TYPE_CHECKING:
    import torch

PARTS = ("qweight", "qzeros", "scales", "g_idx")


@dataclass(frozen=True)
class Layout:
    """The form of one layer's weights: bits, inputs, inputs per scale (None: one scale per output), and dense or packed."""

    bits: int
    inputs: int
    group: int | None
    dense: bool


def converter(quantization: Mapping[str, Any], layers: list[QuantizedLayer]) -> GptqConverter:
    """Return the converter for these layers; raises UsageProblem if an index names groups that do not exist."""
    for layer in layers:
        # A permuted index is no obstacle here, whatever desc_act states: the index itself is followed.
        for problem in index_problems(layer, {}):
            raise UsageProblem(f"unicomp: layer {layer.name}: {problem}; the checkpoint is damaged: download or quantize it again.")
    layouts = {layer.name: _layout(layer) for layer in layers}
    indexed = frozenset(layer.name for layer in layers if "g_idx" in layer.parts)
    return GptqConverter(version(quantization), layouts, indexed)


def _layout(layer: QuantizedLayer) -> Layout:
    group = layer.declared.group if layer.declared else layer.group
    whole = group is None or layer.inputs % group == 0
    return Layout(round(layer.bits), layer.inputs, group, dense=not (whole and in_order(layer)))


@dataclass(frozen=True)
class GptqConverter:
    """compressed_tensors' Converter protocol for GPTQ: `format_version` 1 or 2, the layout of each packed layer, and which have an index."""

    format_version: int
    layouts: Mapping[str, Layout]
    indexed: frozenset[str]

    def get_dependencies(self, weight_name: str) -> set[str]:
        """Return the tensors that a `qweight` is read together with, wherever they lie."""
        module, _, kind = weight_name.rpartition(".")
        if kind != "qweight" or module not in self.layouts:
            return set()
        return {f"{module}.{part}" for part in PARTS[1:] if part != "g_idx" or module in self.indexed}

    def validate(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors without GPTQ's: shapes were checked before, and meta tensors hold no numbers to convert."""
        return {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[0] not in self.layouts}

    def process(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Replace the tensors of each packed layer by compressed-tensors' or by a dense weight; all others stay."""
        for name in [name for name in tensors if name.endswith(".qweight")]:
            module = name.removesuffix(".qweight")
            parts = {part: tensors.pop(f"{module}.{part}") for part in PARTS if f"{module}.{part}" in tensors}
            layout = self.layouts[module]
            new = dense(parts, layout, self.format_version) if layout.dense else packed(parts, layout, self.format_version)
            tensors |= {f"{module}.{part}": tensor for part, tensor in new.items()}
        return tensors

    def update_config(self, config: object) -> Any:
        """Return the QuantizationConfig with one group per layout, its layers by name; None if every layer became dense."""
        from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme

        kinds: dict[tuple[int, int | None], list[str]] = {}
        for name, layout in self.layouts.items():
            if not layout.dense:
                kinds.setdefault((layout.bits, layout.group), []).append(name)
        if not kinds:
            return None
        groups = {}
        for place, ((bits, group), targets) in enumerate(kinds.items()):
            weights = QuantizationArgs(
                num_bits=bits, type="int", symmetric=False, strategy="group" if group else "channel", group_size=group, dynamic=False
            )
            groups[f"group_{place}"] = QuantizationScheme(targets=targets, weights=weights, format="pack-quantized")
        return QuantizationConfig(config_groups=groups, ignore=[], format="pack-quantized", quantization_status="compressed")

    def update_model_config(self, model_config: dict[str, Any]) -> dict[str, Any]:
        """Leave the model configuration unchanged."""
        return model_config


def packed(parts: Mapping[str, torch.Tensor], layout: Layout, format_version: int) -> dict[str, torch.Tensor]:
    """Return weight_packed (outputs x words), weight_scale (outputs x groups), weight_zero_point (words x groups) and weight_shape."""
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

    outputs = parts["scales"].shape[1]
    points = _points(parts, layout, format_version) - (1 << (layout.bits - 1))
    return {
        "weight_packed": parts["qweight"].T.contiguous(),
        "weight_scale": parts["scales"].T.contiguous(),
        "weight_zero_point": pack_to_int32(points.T.contiguous().to(torch.int8), layout.bits, packed_dim=0).contiguous(),
        "weight_shape": torch.tensor([outputs, layout.inputs]),
    }


def dense(parts: Mapping[str, torch.Tensor], layout: Layout, format_version: int) -> dict[str, torch.Tensor]:
    """Return the weight (outputs x inputs) in the scales' type."""
    import torch

    outputs, scales = parts["scales"].shape[1], parts["scales"]
    codes = _unpacked(parts["qweight"].T.contiguous(), layout.bits, (outputs, layout.inputs))
    index = parts["g_idx"].long() if "g_idx" in parts else torch.arange(layout.inputs) // (layout.group or layout.inputs)
    points = _points(parts, layout, format_version)
    weight = (codes - points[index].T).to(torch.float32) * scales[index].T.to(torch.float32)
    return {"weight": weight.to(scales.dtype).contiguous()}


def _unpacked(words: torch.Tensor, bits: int, shape: tuple[int, int]) -> torch.Tensor:
    """Unpack rows of words to codes from 0, as 32-bit integers; the library's unpacking gives them less 2^(bits-1)."""
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32

    signed: torch.Tensor = unpack_from_int32(words, bits, torch.Size(shape))
    return signed.to(torch.int32) + (1 << (bits - 1))


def _points(parts: Mapping[str, torch.Tensor], layout: Layout, format_version: int) -> torch.Tensor:
    """Return zero points, groups x outputs; version 1 adds one and masks, in this order, as AutoGPTQ's own unpacking does."""
    stored = _unpacked(parts["qzeros"], layout.bits, (parts["scales"].shape[0], parts["scales"].shape[1]))
    return stored if format_version == 2 else (stored + 1) & ((1 << layout.bits) - 1)
