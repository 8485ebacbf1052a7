"""Gates artifacts of a real model on this engine and on vLLM: scores, answers that agree, seconds, and what vLLM refuses.

`python benchmarks/served.py --vllm .venv-vllm/bin/vllm [--bundle FOLDER]` writes a table of engine x artifact x benchmark; `make served` builds the
environment first. What a server refuses in float32 is tried in bfloat16.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.run import Run

RECIPES = "dense,rtn-w8a16,rtn-w4a16,w4a16-asym,smoothquant-w8a8,fp8-dynamic,fp8-kv,nvfp4a16,mxfp4a16,wanda-2of4,sparsegpt-2of4-fp8"
BENCHMARKS = "arc_easy,piqa,gsm8k,ifeval"
# The model is a GGUF file, which vLLM does not read. One gigabyte of KV cache; without compilation, which takes longer than the items.
COMMAND = "env VLLM_CPU_KVCACHE_SPACE=1 {vllm} serve {{unpacked}} --port {{port}} --host 127.0.0.1 --max-model-len 2048 --enforce-eager --dtype {dtype}"
DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Cell:
    """One artifact on one benchmark by one engine: what it scored in how many seconds, or why it did not."""

    engine: str
    recipe: str
    benchmark: str
    seconds: float
    measured: Measurement | None = None
    refused: str = ""


def settings(arguments: argparse.Namespace, *, serve: str | None) -> dict[str, str]:
    """Return the flags of a run; calibration is small, since engines are compared and not recipes."""
    given = {
        "model": arguments.model,
        "recipe": arguments.recipes,
        "benchmark": arguments.benchmarks,
        "limit": str(arguments.items),
        "calibration_samples": "8",
        "calibration_tokens": "256",
        "dtype": "float32",
    }
    if arguments.bundle is not None:
        given["bundle"] = str(arguments.bundle)
    return given if serve is None else {**given, "serve": serve}


def measured(engine: str, run: Run, recipe: str, benchmark: str) -> Cell:
    """Return one cell; a failure is a result too."""
    started = time.perf_counter()
    try:
        found = run.measurement(recipe, benchmark)
    except UnicompError as error:
        return Cell(engine, recipe, benchmark, time.perf_counter() - started, refused=error.detail)
    return Cell(engine, recipe, benchmark, found.seconds, found)


def cells(arguments: argparse.Namespace) -> Iterator[Cell]:
    """Yield the cells of one artifact after another, on this engine and then on vLLM in the first data type that it takes."""
    names = arguments.benchmarks.split(",")
    for recipe in arguments.recipes.split(","):
        for engine, dtype in [("this engine", None), *((f"vLLM {dtype}", dtype) for dtype in DTYPES)]:
            serve = None if dtype is None else COMMAND.format(vllm=arguments.vllm, dtype=dtype)
            run = Run(resolve(settings(argparse.Namespace(**{**vars(arguments), "recipes": recipe}), serve=serve)))
            try:
                found = [measured(engine, run, recipe, name) for name in names]
            finally:
                run.close()
            yield from found
            if dtype is not None and any(cell.measured is not None for cell in found):
                break


def agreement(one: Measurement | None, other: Measurement | None) -> str:
    """Return the share of items with the same answer on both engines."""
    if one is None or other is None:
        return ""
    answers = {item.id: item.answer for item in one.items}
    same = [answers[item.id] == item.answer for item in other.items if item.id in answers]
    return f"{sum(same)} of {len(same)}"


def row(cell: Cell, here: Cell | None) -> str:
    """Return a line of the table."""
    if cell.measured is None:
        return f"| {cell.recipe} | {cell.benchmark} | {cell.engine} | refused: {cell.refused.partition('; all that it printed')[0]} | | {cell.seconds:.0f} |"
    error = f" ± {cell.measured.stderr:.3f}" if cell.measured.stderr is not None else ""
    same = agreement(here.measured, cell.measured) if here is not None and here is not cell else ""
    return f"| {cell.recipe} | {cell.benchmark} | {cell.engine} | {cell.measured.value:.3f}{error} | {same} | {cell.seconds:.0f} |"


def main(words: Sequence[str] | None = None) -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vllm", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, help="folder with the data sets; without it they are fetched from the hub")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--recipes", default=RECIPES)
    parser.add_argument("--benchmarks", default=BENCHMARKS)
    parser.add_argument("--items", type=int, default=20)
    arguments = parser.parse_args(words)
    print("| artifact | benchmark | engine | score | same answers | seconds |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    here: dict[tuple[str, str], Cell] = {}
    for cell in cells(arguments):
        print(row(cell, here.setdefault((cell.recipe, cell.benchmark), cell)), flush=True)


if __name__ == "__main__":
    main()
