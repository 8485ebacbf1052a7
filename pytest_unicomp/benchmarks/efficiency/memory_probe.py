"""The process that measures its own memory: `python -m ...memory_probe FOLDER TOKENS` loads a checkpoint, reads tokens and prints one JSON line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_unicomp.memory import peak_memory, resident


def main(folder: Path, tokens: int) -> None:
    """Load in the checkpoint's data type, on its own kernels where there are any, and read a random text; print the peaks in bytes."""
    import torch

    from pytest_unicomp import engine, machine, runtimes

    # What every process pays for its libraries is no property of a model; a first matrix product brings in what only computing needs.
    torch.randn(64, 64) @ torch.randn(64, 64)
    from compressed_tensors.compressors.pack_quantized import helpers  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401

    device = machine.resolve_device("auto")
    before = resident() or 0
    with peak_memory("cpu") as loading:
        loaded = engine.load(folder, device=device, dtype=engine.stored_dtype(folder))
        runtimes.accelerate(loaded, folder)
    vocabulary = int(loaded.model.get_input_embeddings().weight.shape[0])
    text = torch.randint(0, vocabulary, (1, min(tokens, loaded.max_length)), generator=torch.Generator().manual_seed(0))
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    with peak_memory("cpu") as running, torch.inference_mode():
        loaded.model(text.to(device), use_cache=True, logits_to_keep=1)
        loaded.synchronize()
    print(
        json.dumps(
            {
                "loading_bytes": None if loading.bytes is None else loading.bytes - before,
                "running_bytes": None if running.bytes is None else running.bytes - before,
                "device_bytes": int(torch.cuda.max_memory_allocated(device)) if device.startswith("cuda") else None,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
