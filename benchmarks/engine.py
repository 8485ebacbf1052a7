"""Our engine beside lm-eval's hf backend: same loaded model, same requests, the calls alone timed in turns; prints ratios, their spread, and equality.

`python benchmarks/engine.py [--data FOLDER] [--model nano|100m] [--only NAME]`: FOLDER is an offline bundle with allenai/ai2_arc, cais/mmlu and openai/gsm8k.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp import engine
from pytest_unicomp.benchmarks.lm_eval_task import load_tasks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.quiet_libraries import quiet, without_progress_bars

ROUNDS = 3
BATCHES = (8, 32)
NEW_TOKENS = 64
SHAPES_100M = {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12, "num_key_value_heads": 12}


@dataclass(frozen=True)
class Work:
    """Requests of one kind; `aim` is the ratio that the project promises on nano."""

    name: str
    kind: str
    requests: Sequence[Any]
    aim: float


def multiple_choice(name: str, folder: str, tasks: Sequence[str], data: Path, shots: int, items: int, aim: float) -> Work:
    """Return the requests of the first `items` documents of each lm-eval task."""
    requests: list[Any] = []
    for task in load_tasks(folder, list(tasks), str(data), {}).values():
        task.set_config(key="num_fewshot", value=shots)
        task.set_fewshot_seed(1234)
        task.build_all_requests(limit=items, rank=0, world_size=1)
        requests += task.instances
    return Work(name, "loglikelihood", requests, aim)


def generation(data: Path, items: int) -> Work:
    """Return GSM8K's prompts, five shots, each to be continued by NEW_TOKENS tokens."""
    from lm_eval.api.instance import Instance

    task = load_tasks("gsm8k", ["gsm8k"], str(data / "openai/gsm8k"), {})["gsm8k"]
    task.set_config(key="num_fewshot", value=5)
    task.set_fewshot_seed(1234)
    task.build_all_requests(limit=items, rank=0, world_size=1)
    wanted = {"until": ["Question:"], "max_gen_toks": NEW_TOKENS, "do_sample": False}
    made = [
        Instance("generate_until", {}, (one.args[0], wanted), place, metadata=("gsm8k", place, 1))
        for place, one in enumerate(task.instances)
    ]
    return Work(f"GSM8K-style generation, {NEW_TOKENS} tokens", "generate_until", made, 2.0)


def perplexity(data: Path, items: int) -> Work:
    """Return whole texts: GSM8K's questions with their solutions, a few to a text."""
    from datasets import load_dataset
    from lm_eval.api.instance import Instance

    rows = load_dataset(str(data / "openai/gsm8k"), "main", split="test")
    texts = [
        "\n\n".join(f"{row['question']}\n{row['answer']}" for row in rows.select(range(8 * number, 8 * number + 8)))
        for number in range(items)
    ]
    made = [Instance("loglikelihood_rolling", {}, (text,), place, metadata=("texts", place, 1)) for place, text in enumerate(texts)]
    return Work("perplexity of whole texts", "loglikelihood_rolling", made, 1.0)


def works(data: Path, few: bool) -> list[Work]:
    """Return what is measured: with `few` about a tenth of it, and of MMLU a single subject."""
    subjects = ("anatomy", "astronomy", "college_biology", "marketing")[: 1 if few else 4]
    mmlu, arc = [f"mmlu_{subject}" for subject in subjects], ["arc_challenge", "arc_easy"]
    part = 10 if few else 1
    return [
        multiple_choice("MMLU 5-shot", "mmlu", mmlu, data / "cais/mmlu", 5, 20 if few else 50, 5.0),
        multiple_choice("ARC 5-shot", "arc", arc, data / "allenai/ai2_arc", 5, 40 // part, 3.0),
        multiple_choice("ARC 0-shot", "arc", arc, data / "allenai/ai2_arc", 0, 200 // part, 2.0),
        multiple_choice("MMLU 0-shot", "mmlu", mmlu, data / "cais/mmlu", 0, 40 if few else 100, 1.0),
        generation(data, 4 if few else 32),
        perplexity(data, 2 if few else 24),
    ]


def timed(lm: Any, work: Work) -> tuple[float, Any]:
    """Return the seconds of one call, and its answers."""
    with quiet(), without_progress_bars():
        started = time.perf_counter()
        answers = getattr(lm, work.kind)(list(work.requests), disable_tqdm=True)
        return time.perf_counter() - started, answers


def same(ours: Sequence[Any], theirs: Sequence[Any]) -> str:
    """Say how far the answers of two engines are apart."""
    if isinstance(ours[0], str):
        return f"{sum(left == right for left, right in zip(ours, theirs, strict=True))} of {len(ours)} texts equal"
    values = [(left[0], right[0]) if isinstance(left, tuple) else (left, right) for left, right in zip(ours, theirs, strict=True)]
    apart = max(abs(left - right) for left, right in values)
    greedy = sum(left[1] != right[1] for left, right in zip(ours, theirs, strict=True)) if isinstance(ours[0], tuple) else 0
    return f"largest difference {apart:.1e} nats, {greedy} greedy flags differ"


def model(name: str) -> tuple[Any, Any]:
    """Return a loaded model and its tokenizer: nano, or a Llama of 100 M random weights with nano's vocabulary."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    loaded = engine.load(NANO, device="cpu", dtype="float32")
    if name == "nano":
        return loaded.model, loaded.tokenizer
    torch.manual_seed(0)
    config = LlamaConfig(
        **SHAPES_100M, vocab_size=loaded.model.config.vocab_size, max_position_embeddings=4096, eos_token_id=5, bos_token_id=1
    )
    return LlamaForCausalLM(config).eval(), loaded.tokenizer


def measure(name: str, data: Path, only: str, rounds: int) -> None:
    """Print one line per kind of work."""
    from lm_eval.models.huggingface import HFLM

    weights, tokenizer = model(name)
    ours = engine.UnicompLM(weights, tokenizer)
    # Found out once, before anything is timed.
    print(f"{name} is scored {'with' if ours.capabilities.reason is None else 'without'} shared prefixes")
    theirs = {size: HFLM(pretrained=weights, tokenizer=tokenizer, batch_size=size, backend="causal") for size in BATCHES}
    for work in works(data, few=name != "nano"):
        if only and only not in work.name:
            continue
        seconds: dict[Any, list[float]] = {"ours": [], **{size: [] for size in BATCHES}}
        for turn in range(rounds + 1):
            mine, answers = timed(ours, work)
            others = {size: timed(theirs[size], work) for size in BATCHES}
            if turn:  # the first turn warms up
                seconds["ours"].append(mine)
                for size, (taken, _) in others.items():
                    seconds[size].append(taken)
        best = min(BATCHES, key=lambda size: statistics.median(seconds[size]))
        ratios = [their / our for their, our in zip(seconds[best], seconds["ours"], strict=True)]
        print(
            f"{name}, {work.name}, {len(work.requests)} requests: ours {statistics.median(seconds['ours']):.2f} s, "
            f"lm-eval {statistics.median(seconds[best]):.2f} s (batch {best}), ratio {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}), aim {work.aim:g}; {same(answers, others[best][1])}",
            flush=True,
        )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared/hub")
    parser.add_argument("--model", choices=("nano", "100m", "both"), default="both")
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    if not chosen.data.is_dir():
        print(
            f"engine: no data at {chosen.data}: give --data FOLDER, an offline bundle with allenai/ai2_arc, cais/mmlu and openai/gsm8k; nothing measured"
        )
        return
    print(host.device_name("cpu"))
    for name in ("nano", "100m") if chosen.model == "both" else (chosen.model,):
        measure(name, chosen.data, chosen.only, chosen.rounds)


if __name__ == "__main__":
    main()
