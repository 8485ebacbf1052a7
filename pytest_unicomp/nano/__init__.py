"""The embedded model: `checkpoint_folder()` is what transformers loads; `world.py` holds its items, `train.py` makes it."""

from __future__ import annotations

from pathlib import Path


def checkpoint_folder() -> Path:
    """Return the folder that `AutoModelForCausalLM.from_pretrained` and `AutoTokenizer.from_pretrained` load."""
    return Path(__file__).resolve().parent / "checkpoint"
