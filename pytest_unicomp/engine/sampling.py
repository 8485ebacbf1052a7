"""Chooses the next token of every row: the likeliest, or one drawn at the row's own random numbers, as a model's generation_config would have it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# What a generation_config may say that changes which tokens are chosen, with the value that changes nothing: what is not done here is left to transformers.
UNCHANGED = {
    "num_beams": 1,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1,
    "min_length": 0,
    "min_new_tokens": 0,
    "bad_words_ids": [],
    "sequence_bias": {},
    "suppress_tokens": [],
    "begin_suppress_tokens": [],
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "exponential_decay_length_penalty": None,
    "guidance_scale": 1,
    "watermarking_config": None,
}
UNCHANGED_WHEN_SAMPLING = {"min_p": None, "top_h": None, "typical_p": 1, "epsilon_cutoff": 0, "eta_cutoff": 0}


class Row(Protocol):
    """A text that is being written: the token ids of its prompt, those made up to now, its random numbers, and its prompt's distinct ids once they are needed."""

    prompt: list[int]
    made: list[int]
    draws: Any
    distinct: Any


@dataclass(frozen=True)
class Choosing:
    """Greedy at `temperature` 0, else drawn from softmax(logits / temperature) at random numbers that `seed` begins.

    As transformers does it (generation/logits_process.py): logits of tokens that prompt or text hold are divided by `penalty` where positive and
    multiplied where negative (1: as they are; arXiv 1909.05858); drawn from are the `top_k` likeliest (0: all), of them the fewest with a
    probability of `top_p` together (arXiv 1904.09751).
    """

    temperature: float = 0.0
    seed: int = 0
    penalty: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def draws(self, prompt: Sequence[int], ordinal: int, count: int) -> Any:
        """Return `count` random numbers in [0, 1): always the same for a prompt and how many equal requests came before (`ordinal`); None where none are needed."""
        import torch

        if self.temperature <= 0:
            return None
        name = f"{self.seed}:{','.join(map(str, prompt))}" + (f":{ordinal}" if ordinal else "")
        key = hashlib.sha256(name.encode()).digest()
        return torch.rand(count, generator=torch.Generator().manual_seed(int.from_bytes(key[:7], "big")), dtype=torch.float64)

    def tokens(self, logits: Any, rows: Sequence[Row]) -> Any:
        """Return the next token of each row, shape [rows], from logits of shape [rows, vocabulary]: drawn by inverting the distribution function."""
        import torch

        scores = logits if self.penalty == 1 else _penalised(logits, rows, self.penalty)
        if self.temperature <= 0:
            return scores.argmax(-1)
        cumulative = torch.softmax(self.kept(scores.double() / self.temperature), -1).cumsum(-1)
        # A row that has ended and not yet left draws its last once more.
        draws = torch.stack([row.draws[min(len(row.made), len(row.draws) - 1)] for row in rows])
        drawn = draws.to(logits.device) * cumulative[:, -1]
        return torch.searchsorted(cumulative, drawn[:, None]).squeeze(1).clamp(max=logits.shape[-1] - 1)

    def kept(self, scores: Any) -> Any:
        """Return the scores, shape [rows, vocabulary], with minus infinity for what is not drawn from."""
        if 0 < self.top_k < scores.shape[-1]:
            scores = scores.masked_fill(scores < scores.topk(self.top_k).values[:, -1:], float("-inf"))
        if self.top_p < 1:
            ordered, places = scores.sort(-1)
            dropped = ordered.softmax(-1).cumsum(-1) <= 1 - self.top_p
            dropped[:, -1] = False
            scores = scores.masked_fill(dropped.scatter(-1, places, dropped), float("-inf"))
        return scores


def choosing(config: Any, temperature: float, seed: int) -> Choosing | None:
    """Return how tokens are chosen under a model's generation_config, or None where it says what is not done here.

    What it leaves unsaid changes nothing: transformers' own top_k of 50 is not taken.
    """
    unchanged = {**UNCHANGED, **(UNCHANGED_WHEN_SAMPLING if temperature > 0 else {})}
    if any(getattr(config, name, None) not in (None, value) for name, value in unchanged.items()):
        return None
    penalty = float(getattr(config, "repetition_penalty", None) or 1)
    if temperature <= 0:
        return Choosing(penalty=penalty)
    return Choosing(temperature, seed, penalty, int(getattr(config, "top_k", None) or 0), _share(getattr(config, "top_p", None)))


def _share(top_p: Any) -> float:
    return 1.0 if top_p is None else float(top_p)


def _penalised(logits: Any, rows: Sequence[Row], penalty: float) -> Any:
    import torch

    for row in rows:
        if row.distinct is None:
            row.distinct = torch.tensor(sorted({*row.prompt}), device=logits.device)
    made = torch.tensor([token for row in rows for token in row.made], dtype=torch.long, device=logits.device)
    counts = [*(len(row.distinct) for row in rows), *(len(row.made) for row in rows)]
    owners = torch.arange(len(rows)).repeat(2).repeat_interleave(torch.tensor(counts)).to(logits.device)
    places = (owners, torch.cat([*(row.distinct for row in rows), made]))
    # In float32 whatever the model computes in, as transformers does it.
    scores = logits.float()
    said = scores[places]
    return scores.index_put(places, torch.where(said < 0, said * penalty, said / penalty))
