"""Prints what evaluating a random-weight model of about 0.5 B parameters takes beyond its weights: `python benchmarks/memory.py [--data FOLDER] [--size SIZE]`."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from engine import generation, multiple_choice, perplexity, timed

from pytest_unicomp import engine
from pytest_unicomp.engine.host import host


def peak() -> int:
    """Return the most memory that this process has held since it was asked last, in bytes, its libraries included (Linux alone)."""
    held = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(held.split()[1]) * 1024


def main() -> None:
    """Load, answer each kind of request, and print the peak after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared/hub")
    parser.add_argument(
        "--size", choices=("0.5B", "0.5B-vocabulary"), default="0.5B", help="many keys (default), or a vocabulary of 151,936"
    )
    given = parser.parse_args()
    data = given.data
    if not data.is_dir():
        print(f"memory: no data at {data}: give --data FOLDER, an offline bundle with cais/mmlu and openai/gsm8k; nothing measured")
        return
    logging.disable(logging.WARNING)
    works = [
        multiple_choice("MMLU 5-shot", "mmlu", ["mmlu_anatomy"], data / "cais/mmlu", 5, 20, 0),
        multiple_choice("MMLU 0-shot", "mmlu", ["mmlu_anatomy"], data / "cais/mmlu", 0, 60, 0),
        generation(data, 16),
        perplexity(data, 2),
    ]
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: what writing takes is not asked for.
        subprocess.run([sys.executable, str(Path(__file__).with_name("random_model.py")), given.size, folder], check=True)
        loaded = engine.load(Path(folder), device="cpu", dtype="auto")
    weights = sum(parameter.numel() * parameter.element_size() for parameter in loaded.model.parameters())
    print(f"{host.device_name('cpu')}; weights of {weights / 2**30:.2f} GiB; loading: {(peak() - weights) / 2**30:.2f} GiB beyond them")
    lm = engine.UnicompLM(loaded.model, loaded.tokenizer)
    for work in works:
        seconds, _ = timed(lm, work)
        print(
            f"{work.name}, {len(work.requests)} requests, {seconds:.0f} s: {(peak() - weights) / 2**30:.2f} GiB beyond the weights",
            flush=True,
        )


if __name__ == "__main__":
    main()
