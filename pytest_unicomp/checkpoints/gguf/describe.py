"""One phrase on how a GGUF file stores its weights."""

from __future__ import annotations

from pytest_unicomp.checkpoints.gguf.reader import GgufFile

# Types that take less than this share of the weights are left out: norms and biases are float32 in every file.
LEAST_SHARE = 0.01


def describe(file: GgufFile) -> str:
    """Return for instance "GGUF llama: Q4_1 79 %, Q8_0 21 % of the weights"."""
    return f"GGUF {file.architecture}: {shares(file)} of the weights"


def shares(file: GgufFile) -> str:
    """Return the share of the weights in each type, most first: "Q4_1 79 %, Q8_0 21 %"."""
    total = file.parameters or 1
    shown = [(kind, count / total) for kind, count in file.types.items()]
    return ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in shown if share >= LEAST_SHARE)
