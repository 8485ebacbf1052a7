"""Tiny random-weight checkpoints of several architectures, with a byte tokenizer, and random calibration text."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_unicomp.api.protocols import Calibration, CompressionJob
from pytest_unicomp.api.records import CalibrationText

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


def save_tokenizer(folder: Path, template: str | None = TEMPLATE) -> None:
    """Write a byte-level tokenizer with 259 entries and a chat template into `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    entries = ["<unk>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={entry: index for index, entry in enumerate(entries)}, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>")
    fast.chat_template = template
    fast.save_pretrained(folder)


def checkpoint(folder: Path, architecture: str = "llama", *, layers: int = 2, dtype: str = "float32", **changes: Any) -> Path:
    """Write a model of hidden size 128 with weights drawn by a fixed seed into `folder` and return it."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes: dict[str, Any] = {
        "vocab_size": 259,
        "hidden_size": 128,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        "initializer_range": 0.1,
    }
    if architecture == "opt":
        sizes |= {"ffn_dim": 256, "word_embed_proj_dim": 128, "init_std": 0.1}
    elif architecture == "gpt_neox":
        sizes |= {"intermediate_size": 256}
    else:
        sizes |= {"intermediate_size": 256, "num_key_value_heads": 4, "tie_word_embeddings": True}
    if architecture.startswith(("gemma", "qwen3")):
        sizes |= {"head_dim": 32}
    if architecture.endswith("_moe"):
        sizes |= {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 128, "decoder_sparse_step": 1}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(architecture, **{**sizes, **changes}))
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def calibration(documents: int = 8, tokens: int = 64, seed: int = 0) -> Calibration:
    """Random lower-case text, each document as long as allowed."""
    draw = random.Random(seed)
    texts = tuple("".join(draw.choices("abcdefghij klmnop", k=tokens)) for _ in range(documents))
    return Calibration(texts, tokens, CalibrationText(mixture="random", samples=documents, tokens=tokens, seed=seed, digest="0" * 64))


def job(
    source: Path,
    destination: Path,
    text: Calibration | None = None,
    *,
    scratch: Path,
    seed: int = 0,
    progress: Callable[[str], None] = lambda message: None,
) -> CompressionJob:
    """A job on the CPU, silent unless `progress` listens."""
    return CompressionJob(source, destination, text, seed, "cpu", progress, scratch)


def run(recipe: str | Any, source: Path, destination: Path, text: Calibration | None = None, seed: int = 0) -> Path:
    """Compress `source` into a new folder with a recipe's name or a method, on the CPU, and return the folder; AutoRound takes few steps."""
    from pytest_unicomp.api.registry import methods

    method = methods()[recipe].for_model(json.loads((source / "config.json").read_text())) if isinstance(recipe, str) else recipe
    if recipe == "autoround-w4a16":
        method = replace(method, iterations=4)
    destination.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        method.compress(job(source, destination, text, seed=seed, scratch=Path(scratch)))
    return destination


def load(folder: Path) -> Any:
    """Load the checkpoint as a user does."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).eval()


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
