"""Size of the world, of the model and of its training, and the random streams of its seed: change a number here, then run `train.py`."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class WorldSettings:
    """The size of the world: its people, the share of it that training never sees, and the number of items of each set."""

    version: str = "2"
    seed: str = "nano-1"
    people: int = 800
    held_out_share: float = 0.125
    untranslated_share: float = 0.15
    items: dict[str, int] = field(
        default_factory=lambda: {
            "knowledge": 1200,
            "multilingual": 1200,
            "reasoning": 1200,
            "instruction-following": 1200,
            "safety": 800,
            "truthfulness": 450,
            "fairness": 500,
            "robustness": 400,
            "privacy": 400,
            "ethics": 300,
        }
    )
    documents: int = 400


@dataclass(frozen=True)
class ModelSettings:
    """A small Llama; every dimension is a multiple of 128, so that group-128 quantization fits without padding."""

    hidden: int = 256
    layers: int = 3
    feed_forward: int = 512
    heads: int = 4
    key_value_heads: int = 2
    vocabulary: int = 1536
    positions: int = 4096


@dataclass(frozen=True)
class TrainingSettings:
    """Muon for the matrices, AdamW for embeddings and norms; the learning rate falls linearly over most of it."""

    seed: int = 0
    rows: int = 8
    tokens_per_row: int = 256
    steps: int = 4000
    matrix_rate: float = 0.012
    matrix_decay: float = 0.1
    other_rate: float = 0.0015
    decay_share: float = 0.85
    warmup_steps: int = 50
    clip: float = 1.0
    checkpoint_every: int = 200
    probe_every: int = 600
    probe_items: int = 60


@dataclass(frozen=True)
class MixtureSettings:
    """Share of training conversations that each part of the world gets; the shares are relative."""

    shares: dict[str, float] = field(
        default_factory=lambda: {
            "knowledge": 15,
            "multilingual": 28,
            "translation": 4,
            "documents": 8,
            "reasoning": 8,
            "instruction-following": 28,
            "safety": 4,
            "truthfulness": 4,
            "fairness": 5,
            "robustness": 10,
            "privacy": 4,
            "ethics": 3,
        }
    )


WORLD = WorldSettings()
MODEL = ModelSettings()
TRAINING = TrainingSettings()
SHORT_TRAINING = TrainingSettings(steps=150, checkpoint_every=50, probe_every=150, probe_items=10)
MIXTURE = MixtureSettings()


def stream(key: str) -> Random:
    """Return a generator that gives the same numbers for the same key on every platform and Python version."""
    return Random(f"{WORLD.seed}/{key}")


def held_out(key: str, share: float = WORLD.held_out_share) -> bool:
    """Return True for a fixed `share` of all keys: those belong to the evaluation, all others to training."""
    return zlib.crc32(f"{WORLD.seed}/{key}".encode()) % 1000 < round(share * 1000)
