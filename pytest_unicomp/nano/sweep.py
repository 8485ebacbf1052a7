"""Trains models of several sizes on the world, equally long, and compares their scores before and after rounding and pruning."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pytest_unicomp.nano.evaluate import report
from pytest_unicomp.nano.model import save
from pytest_unicomp.nano.rounding import VARIANTS
from pytest_unicomp.nano.settings import MODEL, SHORT_TRAINING, TRAINING, ModelSettings
from pytest_unicomp.nano.train import run
from pytest_unicomp.nano.world import SETS

SIZES: Mapping[str, ModelSettings] = {
    "hidden 128, 4 layers": ModelSettings(hidden=128, layers=4, feed_forward=384, heads=2, key_value_heads=2),
    "hidden 256, 2 layers": replace(MODEL, layers=2),
    "hidden 256, 3 layers": MODEL,
    "hidden 256, 4 layers": replace(MODEL, layers=4, feed_forward=768),
    "hidden 384, 4 layers": ModelSettings(hidden=384, layers=4, feed_forward=768, heads=6, key_value_heads=2),
}
TRIED = ("dense", "rtn-8", "rtn-4", "rtn-3", "magnitude-2of4")
COLUMNS = ("knowledge", "multilingual", "reasoning", "instruction-following")


def measure(name: str, work: Path, *, steps: int, items: int, device: str) -> dict[str, Any]:
    """Train one model size for `steps` steps in the folder `work` (resuming a checkpoint there) and score it dense, quantized and pruned."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # The compiled code of the previous size counts towards a limit, beyond which torch compiles no more.
    torch.compiler.reset()
    settings = replace(TRAINING, steps=steps, probe_items=0)
    trainer = run(settings, work, resume=True, device=device, size=SIZES[name])
    save(trainer.model, work / "tokenizer", work / "checkpoint")
    tokenizer = AutoTokenizer.from_pretrained(work / "checkpoint")
    found: dict[str, Any] = {}
    for variant in TRIED:
        model = AutoModelForCausalLM.from_pretrained(work / "checkpoint", dtype="float32").eval()
        VARIANTS[variant](model)
        scored = report(model, tokenizer, SETS, items)
        found[variant] = {part: scored[part]["accuracy"] for part in SETS} | {"perplexity": scored["perplexity"]}
    parameters = sum(weight.numel() for weight in trainer.model.parameters())
    return {
        "size": asdict(SIZES[name]),
        "parameters": parameters,
        "steps": steps,
        "items": items,
        "seconds": round(trainer.seconds),
        "scores": found,
    }


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the results as a Markdown table: percent right, dense, then after each way of compressing, of the four performance sets."""
    head = ["size", "parameters", "minutes", *(f"{part}: dense" for part in COLUMNS), *(f"reasoning: {variant}" for variant in TRIED[1:])]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for name, one in found.items():
        scores = one["scores"]
        dense = [f"{100 * scores['dense'][part]:.1f}" for part in COLUMNS]
        reasoning = [f"{100 * scores[variant]['reasoning']:.1f}" for variant in TRIED[1:]]
        row = [name, f"{one['parameters'] / 1e6:.2f} M", f"{one['seconds'] / 60:.0f}", *dense, *reasoning]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_unicomp.nano.sweep", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, range(len(SIZES)))), help=f"places in {list(SIZES)}, counted from 0")
    parser.add_argument("--steps", type=int, default=TRAINING.steps // 2, help=f"steps of each training (default {TRAINING.steps // 2})")
    parser.add_argument("--items", type=int, default=400, help="items scored per set (default 400)")
    parser.add_argument("--short", action="store_true", help=f"{SHORT_TRAINING.steps} steps and 10 items: proves the code, nothing else")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N (default cpu)")
    parser.add_argument("--work", type=Path, default=Path("build/nano-sweep"), help="folder of resumable states and of sweep.json")
    given = parser.parse_args(arguments)
    steps, items = (SHORT_TRAINING.steps, 10) if given.short else (given.steps, given.items)
    names = [list(SIZES)[int(place)] for place in given.sizes.split(",")]
    record = given.work / "sweep.json"
    found: dict[str, Any] = json.loads(record.read_text()) if record.is_file() else {}
    for name in names:
        if name not in found:
            found[name] = measure(
                name, given.work / name.replace(", ", "-").replace(" ", "-"), steps=steps, items=items, device=given.device
            )
            record.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(table({name: found[name] for name in SIZES if name in found}))


if __name__ == "__main__":
    main()
