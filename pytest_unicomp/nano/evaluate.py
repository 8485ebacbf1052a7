"""Scores a checkpoint on the sets of the world while developing it: `python -m pytest_unicomp.nano.evaluate --help`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.nano import checkpoint_folder, rounding
from pytest_unicomp.nano.checks import final_number, fulfils, refuses
from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.world import MAXIMUM_REPLY_TOKENS, SETS, document, evaluation_items, held_out_text

_SEQUENCES = 256


def scores(model: Any, tokenizer: Any, items: Sequence[WorldItem]) -> list[bool]:
    """Return True for each item that the model gets right; all items are of one set."""
    if "options" in items[0]:
        return _chosen(model, tokenizer, items)
    return [_right(item, reply) for item, reply in zip(items, replies(model, tokenizer, items), strict=True)]


def _right(item: WorldItem, reply: str) -> bool:
    if "answer" in item:
        return final_number(reply) == str(item["answer"])
    if "specification" in item:
        return fulfils(item["specification"], reply)
    return refuses(reply) is bool(item["refuse"])


def _prompts(tokenizer: Any, items: Sequence[WorldItem]) -> list[list[int]]:
    return [tokenizer.encode(Conversation(item["prompt"], "").rendered_prompt(), add_special_tokens=False) for item in items]


def log_likelihoods(model: Any, tokenizer: Any, pairs: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    """Return the log-likelihood of each continuation after its context, both token ids, in nats."""
    import torch

    order = sorted(range(len(pairs)), key=lambda place: len(pairs[place][0]) + len(pairs[place][1]))
    found = [0.0] * len(pairs)
    for start in range(0, len(order), _SEQUENCES):
        places = order[start : start + _SEQUENCES]
        longest = max(len(pairs[place][0]) + len(pairs[place][1]) for place in places)
        rows = [[*pairs[place][0], *pairs[place][1]] for place in places]
        tokens = torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in rows], device=model.device)
        with torch.inference_mode():
            predicted = model(input_ids=tokens[:, :-1], use_cache=False).logits.float().log_softmax(-1)
        picked = predicted.gather(-1, tokens[:, 1:, None])[..., 0]
        for row, place in enumerate(places):
            first = len(pairs[place][0]) - 1
            found[place] = float(picked[row, first : first + len(pairs[place][1])].sum())
    return found


def _chosen(model: Any, tokenizer: Any, items: Sequence[WorldItem]) -> list[bool]:
    pairs = [
        (prompt, tokenizer.encode(option, add_special_tokens=False))
        for item, prompt in zip(items, _prompts(tokenizer, items), strict=True)
        for option in item["options"]
    ]
    found = iter(log_likelihoods(model, tokenizer, pairs))
    right = []
    for item in items:
        likelihoods = [next(found) for _ in item["options"]]
        right.append(likelihoods.index(max(likelihoods)) == item["gold"])
    return right


def replies(model: Any, tokenizer: Any, items: Sequence[WorldItem], count: int = 200) -> list[str]:
    """Return greedy replies, `count` items at a time; prompts of like length go together."""
    import torch

    prompts = _prompts(tokenizer, items)
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    written = [""] * len(prompts)
    for start in range(0, len(order), count):
        places = order[start : start + count]
        longest = max(len(prompts[place]) for place in places)
        tokens = torch.tensor(
            [[tokenizer.pad_token_id] * (longest - len(prompts[place])) + prompts[place] for place in places], device=model.device
        )
        mask = (tokens != tokenizer.pad_token_id).long()
        with torch.inference_mode():
            output = model.generate(input_ids=tokens, attention_mask=mask, max_new_tokens=MAXIMUM_REPLY_TOKENS, do_sample=False)
        for row, place in enumerate(places):
            written[place] = tokenizer.decode(output[row, longest:], skip_special_tokens=True)
    return written


def perplexity(model: Any, tokenizer: Any, limit: int | None = None) -> float:
    """Return exp of the mean negative log-likelihood per token (nats) of the held-out documents."""
    encoded = [tokenizer.encode(document(text), add_special_tokens=False) for text in held_out_text()[:limit]]
    total = sum(log_likelihoods(model, tokenizer, [(tokens[:1], tokens[1:]) for tokens in encoded]))
    return math.exp(-total / sum(len(tokens) - 1 for tokens in encoded))


def report(model: Any, tokenizer: Any, sets: Sequence[str], limit: int | None) -> dict[str, Any]:
    """Return accuracy per set and slice, and perplexity."""
    found: dict[str, Any] = {"perplexity": round(perplexity(model, tokenizer, limit), 4)}
    for name in sets:
        items = evaluation_items(name)[:limit]
        right = scores(model, tokenizer, items)
        slices: dict[str, list[bool]] = defaultdict(list)
        for item, one in zip(items, right, strict=True):
            slices[item["slice"]].append(one)
        parts = {part: round(sum(each) / len(each), 3) for part, each in sorted(slices.items())}
        found[name] = {"accuracy": round(sum(right) / len(right), 4), "n": len(right), "slices": parts}
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_unicomp.nano.evaluate", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=checkpoint_folder(), help="folder to score (default: the embedded one)")
    parser.add_argument("--sets", default=",".join(SETS), help="comma list of sets (default: all)")
    parser.add_argument("--variants", default="dense", help=f"comma list of {', '.join(rounding.VARIANTS)}")
    parser.add_argument("--limit", type=int, default=None, help="items per set (default: all)")
    given = parser.parse_args(arguments)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(given.checkpoint)
    for variant in given.variants.split(","):
        model = AutoModelForCausalLM.from_pretrained(given.checkpoint, dtype="float32").eval()
        rounding.VARIANTS[variant](model)
        found = report(model, tokenizer, given.sets.split(","), given.limit)
        sys.stdout.write(json.dumps({variant: found}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
