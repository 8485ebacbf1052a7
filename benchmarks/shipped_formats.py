"""Makes `nano` as each format ships it, by the library that writes the format or by the format's definition, and the dense weights it stands for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pytest_unicomp.checkpoints.hub import NANO
from tests import packed_formats
from tests.checkpoints.conversion import modelopt_toys
from tests.checkpoints.gguf import gguf_toys
from tests.engine.compressed_toys import compressed

PROJECTION = "_proj.weight"


@dataclass(frozen=True)
class Shipped:
    """A shipped checkpoint, the model that it was made from, and the same weights stored dense; None if nothing is to be compared."""

    candidate: Path
    base: Path
    unpacked: Path | None = None


def base(scratch: Path) -> Path:
    """Write `nano` in float32 as `scratch`/base, since some writers of formats do not know bfloat16."""
    from safetensors.torch import load_file, save_file

    folder = scratch / "base"
    shutil.copytree(NANO, folder)
    tensors = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    declare(folder, dtype="float32")
    return folder


def declare(folder: Path, **changes: Any) -> Path:
    """Change fields of a folder's config.json, and return the folder."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def with_weights(source: Path, folder: Path, weights: Mapping[str, Any]) -> Path:
    """Copy a dense folder with some of its weights replaced."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder)
    save_file(load_file(folder / "model.safetensors") | dict(weights), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def dense(scratch: Path) -> Shipped:
    """Ship `nano` in float16."""
    from safetensors.torch import load_file

    found = base(scratch)
    half = {name: tensor.half() for name, tensor in load_file(found / "model.safetensors").items()}
    folder = declare(with_weights(found, scratch / "shipped", half), dtype="float16")
    return Shipped(folder, found, with_weights(found, scratch / "unpacked", {name: tensor.float() for name, tensor in half.items()}))


def preset(scratch: Path, scheme: str, **settings: Any) -> Shipped:
    """Let llm-compressor ship a preset of compressed-tensors, and transformers unpack it by that library."""
    import torch
    from transformers import AutoModelForCausalLM, CompressedTensorsConfig

    folder = compressed(NANO, scratch / "shipped", scheme, **settings)
    dense = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=CompressedTensorsConfig(run_compressed=False), dtype=torch.float32
    )
    weights = {name: tensor.float() for name, tensor in dense.state_dict().items() if name.endswith(PROJECTION)}
    found = base(scratch)
    return Shipped(folder, found, with_weights(found, scratch / "unpacked", weights))


def packed(scratch: Path, method: str, **how: Any) -> Shipped:
    """Write AutoGPTQ's or AutoAWQ's packing by its definition."""
    import torch

    found = base(scratch)
    weights = packed_formats.write(found, scratch / "shipped", method, **how)
    twin = with_weights(found, scratch / "unpacked", {name: torch.from_numpy(weight) for name, weight in weights.items()})
    return Shipped(scratch / "shipped", found, twin)


def modelopt(scratch: Path, algorithm: str) -> Shipped:
    """Write ModelOpt's export by its definition, with scales of inputs that cover numbers up to 64."""
    found = base(scratch)
    folder = modelopt_toys.write(found, scratch / "shipped", algorithm, inputs=None if algorithm.startswith("W") else 64.0)
    return Shipped(folder, found, scratch / "shipped-dense")


def auto_round(scratch: Path, packing: str, *, symmetric: bool) -> Shipped:
    """Let AutoRound round to nearest and export, once in a packing and once as the dense weights that it simulates."""
    import logging
    import os

    from auto_round import AutoRound
    from transformers import AutoModelForCausalLM, AutoTokenizer

    before, place = logging.root.manager.disable, Path.cwd()
    os.chdir(scratch)  # It leaves a folder of its own where it runs.
    for name, form in (("shipped", packing), ("unpacked", "fake")):
        model, tokenizer = AutoModelForCausalLM.from_pretrained(NANO), AutoTokenizer.from_pretrained(NANO)
        how = AutoRound(model, tokenizer, iters=0, group_size=32, disable_opt_rtn=True, bits=4, sym=symmetric)
        how.quantize_and_save(str(scratch / "made" / name), format=form)
        next((scratch / "made" / name).rglob("config.json")).parent.rename(scratch / name)
    logging.disable(before)
    os.chdir(place)
    for name in ("shipped", "unpacked"):
        for kept in ("generation_config.json", "chat_template.jinja"):
            if (NANO / kept).exists():
                shutil.copy(NANO / kept, scratch / name / kept)
    return Shipped(scratch / "shipped", NANO, scratch / "unpacked")


def block_fp8(scratch: Path) -> Shipped:
    """Write DeepSeek's format by its definition: float8 codes, and one inverse scale per block of 128 x 128."""
    import torch
    from safetensors.torch import load_file, save_file

    found, folder, weights = base(scratch), scratch / "shipped", {}
    shutil.copytree(found, folder)
    held = load_file(folder / "model.safetensors")
    for name in [name for name in held if name.endswith(PROJECTION)]:
        weight = held.pop(name)
        blocks = weight.reshape(weight.shape[0] // 128, 128, weight.shape[1] // 128, 128)
        scale = blocks.abs().amax((1, 3)) / 448
        codes = (blocks / scale[:, None, :, None]).to(torch.float8_e4m3fn)
        held |= {name: codes.reshape(weight.shape), f"{name}_scale_inv": scale}
        weights[name] = (codes.float() * scale[:, None, :, None]).reshape(weight.shape)
    save_file(held, folder / "model.safetensors", metadata={"format": "pt"})
    declare(folder, quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"})
    return Shipped(folder, found, with_weights(found, scratch / "unpacked", weights))


def gguf(scratch: Path, kind: str) -> Shipped:
    """Let the gguf package write a file, and dequantize each of its tensors itself."""
    from gguf import GGMLQuantizationType

    from pytest_unicomp.checkpoints import gguf as reader

    file = gguf_toys.write(NANO, scratch / f"shipped-{kind}.gguf", GGMLQuantizationType[kind])
    twin = scratch / "unpacked"
    twin.mkdir()
    reader.unpack(reader.read(file), twin, NANO)
    return Shipped(file, NANO, twin)


def lora(scratch: Path) -> Shipped:
    """Let peft write an adapter with random factors, and merge it itself."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    found = base(scratch)
    torch.manual_seed(1)
    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(found), LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    )
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = 0.03 * torch.randn_like(parameter)
    adapted.save_pretrained(scratch / "shipped")
    merged = adapted.merge_and_unload().state_dict()
    return Shipped(scratch / "shipped", found, with_weights(found, scratch / "unpacked", {k: v for k, v in merged.items() if "_proj" in k}))


def lora_alone(scratch: Path) -> Shipped:
    """Ship the adapter with the name of a base that is not there, and gate it against a model that is not its base."""
    made = lora(scratch)
    stated = json.loads((made.candidate / "adapter_config.json").read_text()) | {"base_model_name_or_path": str(scratch / "gone")}
    (made.candidate / "adapter_config.json").write_text(json.dumps(stated))
    return Shipped(made.candidate, made.base)


def vision(scratch: Path) -> Shipped:
    """Put the weights of `nano` into the language part of a Mistral 3 whose vision part has random weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

    text = json.loads((NANO / "config.json").read_text()) | {"model_type": "mistral", "sliding_window": None}
    eyes = {
        "model_type": "pixtral",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "head_dim": 16,
    }
    text.pop("architectures")
    torch.manual_seed(0)
    config = AutoConfig.for_model("mistral3", text_config=text, vision_config=eyes, tie_word_embeddings=True, image_token_index=3)
    model = AutoModelForImageTextToText.from_config(config).to(torch.bfloat16)
    source = AutoModelForCausalLM.from_pretrained(NANO)
    model.model.language_model.load_state_dict(source.model.state_dict())
    model.lm_head.load_state_dict(source.lm_head.state_dict())
    model.generation_config = source.generation_config
    model.save_pretrained(scratch / "shipped")
    AutoTokenizer.from_pretrained(NANO).save_pretrained(scratch / "shipped")
    shutil.copytree(NANO, scratch / "unpacked")
    return Shipped(scratch / "shipped", scratch / "shipped", scratch / "unpacked")


def bitsandbytes(scratch: Path, **how: Any) -> Shipped:
    """Let bitsandbytes quantize and save, and unpack each layer by its own function."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    model = AutoModelForCausalLM.from_pretrained(NANO, quantization_config=BitsAndBytesConfig(**how), dtype=torch.float32)
    model.save_pretrained(scratch / "shipped")
    AutoTokenizer.from_pretrained(NANO).save_pretrained(scratch / "shipped")
    wide = model.dequantize(dtype=torch.float32)
    weights = {name: tensor.float() for name, tensor in wide.state_dict().items() if name.endswith(PROJECTION)}
    found = base(scratch)
    return Shipped(scratch / "shipped", found, with_weights(found, scratch / "unpacked", weights))


def torchao(scratch: Path) -> Shipped:
    """Let torchao quantize to int8 and save, and unpack each layer by its own method."""
    import torch
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TorchAoConfig

    model = AutoModelForCausalLM.from_pretrained(NANO, quantization_config=TorchAoConfig(Int8WeightOnlyConfig()), dtype=torch.float32)
    model.save_pretrained(scratch / "shipped")
    AutoTokenizer.from_pretrained(NANO).save_pretrained(scratch / "shipped")
    weights = {f"{name}.weight": part.weight.dequantize() for name, part in model.named_modules() if name.endswith("_proj")}
    found = base(scratch)
    return Shipped(scratch / "shipped", found, with_weights(found, scratch / "unpacked", weights))


def refused(
    scratch: Path, stated: Mapping[str, Any] | None = None, *, files: Mapping[str, str] | None = None, bare: bool = False
) -> Shipped:
    """Copy `nano` with what makes it look like a format that is not read here; `bare` leaves out its weights."""
    folder = scratch / "shipped"
    shutil.copytree(NANO, folder, ignore=shutil.ignore_patterns("*.safetensors") if bare else None)
    if stated:
        declare(folder, **stated)
    for name, content in (files or {}).items():
        (folder / name).write_text(content)
    return Shipped(folder, NANO)


def _stating(method: str) -> Callable[[Path], Shipped]:
    return partial(refused, stated={"quantization_config": {"quant_method": method, "bits": 4}})


PRESETS = (
    *("W8A16", "W4A16", "W4A16_ASYM", "W8A8", "W4A8", "W3A16", "W2A16", "FP8", "FP8_DYNAMIC", "FP8_BLOCK"),
    *("NVFP4A16", "NVFP4", "MXFP4A16", "MXFP4", "MXFP8A16", "MXFP8"),
)
CACHE = {"kv_cache_scheme": {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}}
MAKERS: Mapping[str, Callable[[Path], Shipped]] = {
    "dense float16": dense,
    "Mistral 3 around nano": vision,
    **{f"compressed-tensors {scheme}": partial(preset, scheme=scheme) for scheme in PRESETS},
    "compressed-tensors W8A16, FP8 KV cache": partial(preset, scheme="W8A16", **CACHE),
    "ModelOpt FP8": partial(modelopt, algorithm="FP8"),
    "ModelOpt W4A16_NVFP4": partial(modelopt, algorithm="W4A16_NVFP4"),
    "ModelOpt NVFP4": partial(modelopt, algorithm="NVFP4"),
    "GPTQ 4 bits": partial(packed, method="gptq", bits=4, group=64),
    "GPTQ 4 bits, last group short": partial(packed, method="gptq", bits=4, group=96),
    "GPTQ 3 bits, version 2, asymmetric": partial(packed, method="gptq", bits=3, group=32, symmetric=False, version=2),
    "GPTQ 8 bits": partial(packed, method="gptq", bits=8, group=-1),
    "AWQ 4 bits": partial(packed, method="awq", group=64),
    "AutoRound, GPTQ's packing": partial(auto_round, packing="auto_round:auto_gptq", symmetric=True),
    "AutoRound, AWQ's packing": partial(auto_round, packing="auto_round:auto_awq", symmetric=False),
    "block FP8 (DeepSeek)": block_fp8,
    **{f"GGUF {kind}": partial(gguf, kind=kind) for kind in ("F16", "Q8_0", "Q5_1", "Q4_0")},
    "LoRA adapter": lora,
    "bitsandbytes NF4": partial(bitsandbytes, load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True),
    "bitsandbytes int8": partial(bitsandbytes, load_in_8bit=True),
    "torchao int8": torchao,
    **{name: _stating(method) for name, method in {"HQQ": "hqq", "AQLM": "aqlm", "EXL2": "exl2", "EXL3": "exl3"}.items()},
    "MLX": partial(refused, stated={"quantization": {"group_size": 64, "bits": 4}}),
    "ONNX": partial(refused, files={"model.onnx": "onnx"}, bare=True),
    "OpenVINO": partial(refused, files={"openvino_model.xml": "<net/>", "openvino_model.bin": "0"}, bare=True),
    **{name: _stating(method) for name, method in {"Quanto": "quanto", "AMD Quark": "quark", "VPTQ": "vptq", "SpQR": "spqr"}.items()},
    "FP-Quant": _stating("fp_quant"),
    "safetensors and GGUF in one folder": partial(refused, files={"model-Q4_0.gguf": "GGUF"}),
    "LoRA adapter whose base is gone": lora_alone,
}


def needs(name: str) -> tuple[str, ...]:
    """Return the modules without which a format cannot be made here."""
    return tuple(
        module
        for module, start in {"bitsandbytes": "bitsandbytes", "torchao": "torchao", "auto_round": "AutoRound"}.items()
        if name.startswith(start)
    )
