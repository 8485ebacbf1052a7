"""Quantize with AutoAWQ, the second implementation of AWQ, and convert its checkpoint to the format that all others have (arXiv 2306.00978)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.records import Family
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.decoder import other_linear_layers, require_divisible
from pytest_unicomp.methods.group_quantization import GROUPS, fitting_group
from pytest_unicomp.methods.layer_inputs import layer_outputs, not_divided
from pytest_unicomp.methods.method import CompressionMethod
from pytest_unicomp.methods.source import copy_companions, load_tokenizer, require_unquantized
from pytest_unicomp.methods.tokens import encode

if TYPE_CHECKING:
    import torch

# The architectures of AutoAWQ 0.2.9 that transformers 5 can still run; a test compresses each.
KINDS = ("gemma2", "llama", "mistral", "phi3", "qwen2", "qwen3")
# Outputs per batch of `AwqQuantizer._compute_best_clip`, if 256 do not divide them.
CLIPPED_TOGETHER = 64
REASONS: Mapping[str, str] = {
    "opt": "AutoAWQ 0.2.9 expects rotary embeddings, which it has not",
    "gpt_neox": "AutoAWQ scales its activation function, for which an ordinary checkpoint has no place",
    "qwen3_moe": "AutoAWQ 0.2.9 does not know the fused experts of transformers 5",
}


@dataclass(frozen=True)
class AutoAwq(CompressionMethod):
    """AWQ with 4 bits, zero points and weight clipping, AutoAWQ's defaults; documents are cut to `sequence` tokens and joined to blocks of that.

    AutoAWQ drops documents longer than its limit in silence: cutting them first keeps every one. `parallel` blocks go through the model at a
    time. Scales and zero points are stored in half precision, whatever the reference's dtype.
    """

    group: int = 128
    sequence: int = 512
    parallel: int = 8
    method: ClassVar[str] = "autoawq"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("awq", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse what AutoAWQ does not know, and what every method refuses."""
        kind = str(config.get("model_type"))
        if reason := super().refusal(config):
            return reason
        if kind in KINDS:
            return self._indivisible(config)
        return REASONS.get(kind, f"AutoAWQ 0.2.9 runs here only on {', '.join(KINDS)}")

    def _indivisible(self, config: Mapping[str, Any]) -> str | None:
        if fitting_group(config, self.group) is None:
            return f"AutoAWQ takes groups of 128, 64 or 32 inputs, and none of them divides {not_divided(config, min(GROUPS))}"
        odd = next((f"{name} {outputs}" for name, outputs in layer_outputs(config).items() if outputs % CLIPPED_TOGETHER), None)
        return None if odd is None else f"AutoAWQ clips {CLIPPED_TOGETHER} outputs at a time, which do not divide {odd}"

    def for_model(self, config: Mapping[str, Any]) -> Self:
        """Return the method with the largest group that every quantized layer of the model takes."""
        return replace(self, group=fitting_group(config, self.group) or self.group)

    def compress(self, job: CompressionJob) -> None:
        """Write the checkpoint packed in compressed-tensors format; AutoAWQ's own goes to `job.scratch` and away.

        Raises UnicompError if the reference is quantized already, if `group` does not divide the inputs of a layer, and if calibration text
        is missing or too short.
        """
        source, destination = job.source, job.destination
        require_unquantized(source)
        documents = encode(source, job.calibration, recipe=self.method)
        length = min(self.sequence, max(document.shape[1] for document in documents))
        job.progress(f"{self.method}: {len(documents)} calibration documents")
        with quiet_with_captured_output():
            from awq import AutoAWQForCausalLM
            from transformers import set_seed

            set_seed(job.seed)
            wrapped = AutoAWQForCausalLM.from_pretrained(str(source), trust_remote_code=False, torch_dtype="auto", device_map={"": "cpu"})
        others = other_linear_layers(wrapped.model)
        require_divisible(wrapped.model, self.group, recipe=self.method)
        with tempfile.TemporaryDirectory(dir=job.scratch) as folder, quiet_with_captured_output():
            wrapped.quantize(
                load_tokenizer(source),
                quant_config={"zero_point": True, "q_group_size": self.group, "w_bit": 4, "version": "GEMM"},
                calib_data=cut(documents, length),
                max_calib_seq_len=length,
                max_calib_samples=len(documents),
                n_parallel_calib_samples=self.parallel,
                quantizer_cls=quantizer(),
            )
            wrapped.save_quantized(folder)
            _convert(Path(folder), destination, others)
        _restore_config(source, destination)
        copy_companions(source, destination)


def quantizer() -> type[Any]:
    """Return AutoAWQ's quantizer, corrected for the CPU: pass it as `quantizer_cls`.

    The search for scales keeps `{name: weight.cpu()}` to restore from and then multiplies weights in place. On an accelerator that is a copy,
    on the CPU the weight itself, so that every exponent tried multiplies the model once more. Here it is a copy everywhere.
    """
    from awq.quantize.quantizer import AwqQuantizer

    class CopyingQuantizer(AwqQuantizer):  # type: ignore[misc]
        def _compute_best_scale(
            self, x: Any, w_mean: Any, x_mean: Any, module2inspect: Any, linears2scale: Any, fp16_output: Any, kwargs: Any
        ) -> Any:
            plain = module2inspect.state_dict
            module2inspect.state_dict = lambda: {name: weight.clone() for name, weight in plain().items()}
            try:
                return super()._compute_best_scale(x, w_mean, x_mean, module2inspect, linears2scale, fp16_output, kwargs)
            finally:
                del module2inspect.state_dict

    return CopyingQuantizer


def cut(documents: list[torch.Tensor], length: int) -> list[list[int]]:
    """Return each document's first `length` token ids as AutoAWQ takes them; none is longer, so none is dropped."""
    return [document[0, :length].tolist() for document in documents]


def _convert(folder: Path, destination: Path, others: list[str]) -> None:
    """Convert AutoAWQ's checkpoint to compressed-tensors with that library's converter; `others` are the Linear layers that stay unquantized."""
    from compressed_tensors.entrypoints.convert import AutoAWQConverter, convert_checkpoint

    converter = AutoAWQConverter.from_pretrained(str(folder))
    converter.ignore = sorted({*converter.ignore, *others})
    convert_checkpoint(folder, destination, converter)


def _restore_config(source: Path, destination: Path) -> None:
    """Write the reference's config.json with the quantization added: AutoAWQ's config.json switches the KV cache off."""
    file = destination / "config.json"
    quantization = json.loads(file.read_text(encoding="utf-8"))["quantization_config"]
    config = read_config(source)
    file.write_text(json.dumps({**config, "quantization_config": quantization}, indent=2) + "\n", encoding="utf-8")


RECIPES = {"autoawq-w4a16": AutoAwq()}
