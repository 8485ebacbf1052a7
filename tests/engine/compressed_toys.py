"""Tiny checkpoints that llm-compressor writes by compressed-tensors' own presets, and the dense weights that they stand for."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any


def compressed(source: Path, destination: Path, scheme: str, **settings: Any) -> Path:
    """Quantize the Linear layers of `source` by a preset's name and 8 random texts, and return the folder; `settings` are QuantizationModifier's."""
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from transformers import AutoModelForCausalLM, AutoTokenizer

    draw = random.Random(0)
    texts = Dataset.from_list([{"input_ids": [draw.randrange(3, 259) for _ in range(32)], "attention_mask": [1] * 32} for _ in range(8)])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(source), AutoTokenizer.from_pretrained(source)
    recipe = QuantizationModifier(targets="Linear", scheme=scheme, ignore=["lm_head"], **settings)
    oneshot(model=model, tokenizer=tokenizer, dataset=texts, num_calibration_samples=8, max_seq_length=32, recipe=recipe)
    model.save_pretrained(destination, save_compressed=True)
    tokenizer.save_pretrained(destination)
    (destination / "recipe.yaml").unlink(missing_ok=True)
    return destination


def unpacked(folder: Path, destination: Path) -> Path:
    """Write the dense checkpoint that `folder` stands for, by compressed-tensors' own converter, and return it."""
    from compressed_tensors.entrypoints.convert import CompressedTensorsDequantizer, convert_checkpoint

    convert_checkpoint(folder, destination, CompressedTensorsDequantizer(folder), device="cpu")
    config = json.loads((destination / "config.json").read_text())
    config.pop("quantization_config", None)
    (destination / "config.json").write_text(json.dumps(config))
    return destination
