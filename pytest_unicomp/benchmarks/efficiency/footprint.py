"""A model's runtime footprint: FLOPs, peak memory of loading and of running (each in a fresh process), KV cache bytes per token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pytest_unicomp.api.benchmark import Evaluation, SizeBenchmark
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Artifact

# The paper's FLOPs column is for 128 tokens (protocol: twice 128 x the parameters that multiply).
FLOPS_TOKENS = 128
MEMORY_TOKENS = 1024
SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class Footprint(SizeBenchmark):
    """One number read off the artifact; `what` is `flops` (floating point operations of reading FLOPS_TOKENS tokens at batch 1), `kv-cache` (bytes per
    token), `running` or `loading` (peak bytes of a fresh process that reads MEMORY_TOKENS tokens, or loads the model, less its libraries' share)."""

    what: Literal["flops", "kv-cache", "running", "loading"]
    capability: str = "inference_footprint"
    sets: tuple[str, ...] = ("nano", "efficiency")

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the kind of number, the tokens that it is for, and the device."""
        return {"what": self.what, "tokens": FLOPS_TOKENS if self.what == "flops" else MEMORY_TOKENS, "device": evaluation.device}

    def size(self, artifact: Artifact, evaluation: Evaluation) -> float:
        """Return the number; of memory the device's if there is a device, else the host's. Raises InfrastructureError if it cannot be measured."""
        folder = _folder(artifact, self.what)
        if self.what == "flops":
            return float(flops(folder, FLOPS_TOKENS))
        if self.what == "kv-cache":
            return float(cache_bytes_per_token(folder))
        found = _probed(str(folder), artifact.fingerprint, evaluation.device)
        on_device = found[f"{self.what}_device_bytes"]
        peak = found[f"{self.what}_bytes"] if on_device is None else on_device
        if peak is None:
            raise InfrastructureError("unicomp: this system keeps no high-water mark of memory; peak-memory was not measured.")
        return float(peak)

    def details(self, artifact: Artifact, evaluation: Evaluation) -> dict[str, float | None]:
        """Return further numbers: host and device memory separately; multiply-adds, and the tokens that they are for."""
        folder = _folder(artifact, self.what)
        if self.what == "flops":
            return {"macs": flops(folder, FLOPS_TOKENS) / 2, "tokens": float(FLOPS_TOKENS), "batch": 1.0}
        if self.what == "kv-cache":
            return {}
        found = _probed(str(folder), artifact.fingerprint, evaluation.device)
        return {"host_bytes": _number(found[f"{self.what}_bytes"]), "device_bytes": _number(found[f"{self.what}_device_bytes"])}


def _folder(artifact: Artifact, what: str) -> Path:
    folder = Path(artifact.path)
    if not (folder / "config.json").is_file():
        raise InfrastructureError(f"unicomp: {artifact.recipe} has no files here, so its {what} cannot be measured.")
    return folder


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def flops(folder: Path, tokens: int) -> int:
    """Return the floating point operations (two per multiply-add) of reading `tokens` tokens at batch 1, logits of every position included.

    Counted by torch on a model of the same shapes without weights (device "meta"), outside inference_mode, under which its counter sees nothing.
    Weight-only quantization and pruning without a kernel multiply the same matrices, so their count is that of the dense shapes.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from pytest_unicomp.engine.quiet_libraries import quiet
    from pytest_unicomp.engine.runtimes.layer_shapes import meta_model

    model = meta_model(folder)
    with quiet():
        counter = FlopCounterMode(display=False)
        # Mask and positions are given: to make them, the model would need values, which it does not have without weights.
        given = {
            "attention_mask": torch.zeros(1, 1, tokens, tokens, device="meta"),
            "position_ids": torch.arange(tokens, device="meta")[None],
        }
        with torch.no_grad(), counter:
            model(torch.zeros(1, tokens, dtype=torch.long, device="meta"), use_cache=False, **given)
    # The angles of RoPE are an outer product that no published count includes; the counter lists modules, the inner ones within the outer.
    angles = {name: sum(found.values()) for name, found in counter.get_flop_counts().items() if name.endswith("rotary_emb")}
    return int(counter.get_total_flops() - sum(angles.values()))


def cache_bytes_per_token(folder: Path) -> int:
    """Return the bytes that one token adds to the KV cache: 2 x layers x key-value heads x head size x bytes of the model's data type."""
    from transformers import AutoConfig

    from pytest_unicomp.engine.loading import stored_dtype

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).get_text_config()
    heads = int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
    size = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    width = 4 if stored_dtype(folder) == "float32" else 2
    return 2 * int(config.num_hidden_layers) * heads * size * width


def peak_memory(folder: Path, device: str = "auto") -> dict[str, int | None]:
    """Return {"libraries_bytes", "loading_bytes", "running_bytes", "loading_device_bytes", "running_device_bytes"} of a fresh interpreter that loads
    the checkpoint on a device and reads MEMORY_TOKENS tokens.

    Host bytes are the highest resident memory of each part less what the process held before the model (`libraries_bytes`); device bytes the
    highest that torch allocated there, None without a GPU. Raises InfrastructureError with its last line if the process dies.
    """
    command = [sys.executable, "-m", "pytest_unicomp.benchmarks.efficiency.memory_probe", str(folder), str(MEMORY_TOKENS), device]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"unicomp: measuring the memory of {folder} took more than {SECONDS} s.") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        killed = "; the system ended it, most likely for want of memory" if done.returncode < 0 else ""
        raise InfrastructureError(
            f"unicomp: the process that measures the memory of {folder} ended with {done.returncode}{killed}: {last[:200]}"
        )
    found: dict[str, int | None] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@lru_cache(maxsize=64)
def _probed(folder: str, fingerprint: str, device: str) -> dict[str, int | None]:
    return peak_memory(Path(folder), device)


BENCHMARKS = {
    "flops": Footprint(what="flops", metric="flops", source=f"torch's counter, {FLOPS_TOKENS} tokens, batch 1"),
    "peak-memory": Footprint(
        what="running", metric="bytes", source=f"a process of its own that reads {MEMORY_TOKENS} tokens", measured_once=True
    ),
    "loading-memory": Footprint(
        what="loading", metric="bytes", source="a process of its own that loads the model", measured_once=True, sets=("efficiency",)
    ),
    "kv-cache-bytes": Footprint(what="kv-cache", metric="bytes per token", source="config.json", sets=("efficiency",)),
}
