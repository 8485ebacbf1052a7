"""Samples the next token of every row: greedily, or with the row's own random numbers, under the settings of the model's generation_config."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Settings of a generation_config that change which tokens are chosen and are not implemented here, each with the value that has no effect.
NEUTRAL = {
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
NEUTRAL_IF_SAMPLING = {"min_p": None, "top_h": None, "typical_p": 1, "epsilon_cutoff": 0, "eta_cutoff": 0}


class SampledRow(Protocol):
    """A text being generated: token ids of the prompt, those generated, its random numbers, and the prompt's distinct ids (None until needed)."""

    prompt: list[int]
    generated: list[int]
    random_numbers: Any
    prompt_ids: Any


@dataclass(frozen=True)
class Sampler:
    """Greedy if `temperature` is 0, else a draw from softmax(logits / temperature) with random numbers that start from `seed`.

    As in transformers (generation/logits_process.py): logits of tokens that occur in prompt or text are divided by `repetition_penalty` if
    positive and multiplied by it if negative (1: no effect; arXiv 1909.05858). Draws are limited to the `top_k` likeliest tokens (0: all), and
    among those to the fewest whose probabilities sum to `top_p` (arXiv 1904.09751).
    """

    temperature: float = 0.0
    seed: int = 0
    repetition_penalty: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def random_numbers(self, prompt: Sequence[int], ordinal: int, count: int) -> Any:
        """Return `count` random numbers in [0, 1) as float64, or None if greedy.

        They depend on the seed, the prompt and `ordinal` alone: how many equal requests came before.
        """
        import torch

        if self.temperature <= 0:
            return None
        name = f"{self.seed}:{','.join(map(str, prompt))}" + (f":{ordinal}" if ordinal else "")
        key = hashlib.sha256(name.encode()).digest()
        return torch.rand(count, generator=torch.Generator().manual_seed(int.from_bytes(key[:7], "big")), dtype=torch.float64)

    def sample(self, logits: Any, rows: Sequence[SampledRow]) -> Any:
        """Return the next token of each row, shape (rows,), from logits of shape (rows, vocabulary), by inverting the distribution function."""
        import torch

        scores = logits if self.repetition_penalty == 1 else _apply_repetition_penalty(logits, rows, self.repetition_penalty)
        if self.temperature <= 0:
            return scores.argmax(-1)
        cumulative = torch.softmax(self.filter_top_k_top_p(scores.double() / self.temperature), -1).cumsum(-1)
        # A finished row that is still in the batch reuses its last random number.
        numbers = torch.stack([row.random_numbers[min(len(row.generated), len(row.random_numbers) - 1)] for row in rows])
        drawn = numbers.to(logits.device) * cumulative[:, -1]
        return torch.searchsorted(cumulative, drawn[:, None]).squeeze(1).clamp(max=logits.shape[-1] - 1)

    def filter_top_k_top_p(self, scores: Any) -> Any:
        """Return the scores, shape (rows, vocabulary), with minus infinity for all tokens outside top_k and top_p."""
        if 0 < self.top_k < scores.shape[-1]:
            scores = scores.masked_fill(scores < scores.topk(self.top_k).values[:, -1:], float("-inf"))
        if self.top_p < 1:
            ascending, order = scores.sort(-1)
            dropped = ascending.softmax(-1).cumsum(-1) <= 1 - self.top_p
            dropped[:, -1] = False
            scores = scores.masked_fill(dropped.scatter(-1, order, dropped), float("-inf"))
        return scores


def build_sampler(config: Any, temperature: float, seed: int, *, top_p: float | None = None, top_k: int | None = None) -> Sampler | None:
    """Return the sampler for a model's generation_config, or None if the config uses a setting that is not implemented here.

    `top_p` and `top_k`, if given, replace those of the config. Settings that are left out have no effect: the default top_k of 50 of transformers
    is not applied.
    """
    neutral = {**NEUTRAL, **(NEUTRAL_IF_SAMPLING if temperature > 0 else {})}
    if any(getattr(config, name, None) not in (None, value) for name, value in neutral.items()):
        return None
    penalty = float(getattr(config, "repetition_penalty", None) or 1)
    if temperature <= 0:
        return Sampler(repetition_penalty=penalty)
    share = getattr(config, "top_p", None) if top_p is None else top_p
    most = getattr(config, "top_k", None) if top_k is None else top_k
    return Sampler(temperature, seed, penalty, int(most or 0), 1.0 if share is None else float(share))


def _apply_repetition_penalty(logits: Any, rows: Sequence[SampledRow], penalty: float) -> Any:
    import torch

    for row in rows:
        if row.prompt_ids is None:
            row.prompt_ids = torch.tensor(sorted({*row.prompt}), device=logits.device)
    generated = torch.tensor([token for row in rows for token in row.generated], dtype=torch.long, device=logits.device)
    counts = [*(len(row.prompt_ids) for row in rows), *(len(row.generated) for row in rows)]
    row_numbers = torch.arange(len(rows)).repeat(2).repeat_interleave(torch.tensor(counts)).to(logits.device)
    occurring = (row_numbers, torch.cat([*(row.prompt_ids for row in rows), generated]))
    # In float32 whatever the dtype of the model, as in transformers.
    scores = logits.float()
    before = scores[occurring]
    return scores.index_put(occurring, torch.where(before < 0, before * penalty, before / penalty))
