"""The process that measures its own memory: `python -m ...memory_probe FOLDER TOKENS DEVICE` loads a checkpoint, reads tokens, prints one JSON line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_unicomp.engine.host.memory import peak_memory, resident_bytes


def main(folder: Path, tokens: int, device: str) -> None:
    """Load in the checkpoint's data type, on the kernels of its format if there are any, and read a random text; print the peaks in bytes."""
    import torch

    from pytest_unicomp import engine
    from pytest_unicomp.engine import runtimes
    from pytest_unicomp.engine.host import host

    # The libraries take the same memory in every process, whatever the model; a first matrix product loads what only computing needs.
    sharded, device = device == "sharded", host.resolve_device(device)
    torch.randn(64, 64, device=device) @ torch.randn(64, 64, device=device)
    from compressed_tensors.compressors.pack_quantized import helpers  # noqa: F401 - imported for the memory that the import takes
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401 - as above

    # Device memory is counted separately from the host's; None without a GPU.
    both = ("cpu", *(["sharded" if sharded else device] if device.startswith("cuda") else []))
    before = resident_bytes() or 0
    with peak_memory(both[0]) as loading, peak_memory(both[-1]) as loading_device:
        loaded = engine.load(folder, device=device, dtype=engine.stored_dtype(folder), sharded=sharded)
        runtimes.accelerate(loaded, folder)
    vocabulary = int(loaded.model.get_input_embeddings().weight.shape[0])
    text = torch.randint(0, vocabulary, (1, min(tokens, loaded.max_length)), generator=torch.Generator().manual_seed(0))
    with peak_memory(both[0]) as running, peak_memory(both[-1]) as running_device, torch.inference_mode():
        loaded.model(text.to(device), use_cache=True, logits_to_keep=1)
        loaded.synchronize()
    print(
        json.dumps(
            {
                "libraries_bytes": before,
                "loading_bytes": None if loading.bytes is None else loading.bytes - before,
                "running_bytes": None if running.bytes is None else running.bytes - before,
                "loading_device_bytes": loading_device.bytes if len(both) > 1 else None,
                "running_device_bytes": running_device.bytes if len(both) > 1 else None,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
