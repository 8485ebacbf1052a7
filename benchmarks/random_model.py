"""Writes a random-weight Llama of a real model's shapes, to be timed where no pretrained one is: `python benchmarks/random_model.py 8B FOLDER`.

Then, on the device whose speed is asked for:
`pytest suites/efficiency --unicomp-model=FOLDER --unicomp-recipe=rtn-w8a16,rtn-w4a16,fp8-dynamic --unicomp-benchmark=efficiency --unicomp-device=cuda:0
--benchmark-json=b.json --unicomp-report=eff.json`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from pytest_unicomp.checkpoints.hub import NANO

# Hidden, inner, layers, heads, key-value heads, vocabulary, whether the embeddings are tied: TinyLlama's width with ten layers and many keys,
# Qwen2.5-0.5B, Llama-3.2-1B, Llama-3.1-8B.
SHAPES = {
    "0.5B": (2048, 5632, 10, 16, 16, 1536, True),
    "0.5B-vocabulary": (896, 4864, 24, 14, 2, 151936, True),
    "1B": (2048, 8192, 16, 32, 8, 128256, True),
    "8B": (4096, 14336, 32, 32, 8, 128256, False),
}


def main(size: str, folder: Path) -> None:
    """Write the checkpoint in bfloat16, with the embedded model's tokenizer: timings put token ids, whatever they mean."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden, inner, layers, heads, shared, vocabulary, tied = SHAPES[size]
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        vocab_size=vocabulary,
        max_position_embeddings=8192,
        tie_word_embeddings=tied,
    )
    torch.manual_seed(0)
    # Drawn in float32 the largest would take twice the memory.
    torch.set_default_dtype(torch.bfloat16)
    try:
        model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    for file in NANO.glob("tokenizer*"):
        shutil.copy(file, folder)
    print(f"{folder}: {sum(parameter.numel() for parameter in model.parameters()) / 1e9:.2f} B parameters")


if __name__ == "__main__":
    if len(sys.argv) == 1:  # as in `make bench`
        print(f"random_model: give a size ({', '.join(SHAPES)}) and a folder; nothing was written")
    elif len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(f"usage: random_model.py {'|'.join(SHAPES)} FOLDER")
    else:
        main(sys.argv[1], Path(sys.argv[2]))
