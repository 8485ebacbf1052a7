"""Measures the cells that are missing and prints the tables: `python -m benchmarks.served --vllm .venv-vllm/bin/vllm [--bundle FOLDER]`.

`make served` builds the environments first. The table of docs/serving.md is written from the same evidence by `python -m benchmarks.served.page`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.served import evidence
from benchmarks.served.engines import Engine, of_llama_cpp, of_this_package, of_vllm
from benchmarks.served.measure import Asked, cells
from benchmarks.served.protocol import ARTIFACTS, BENCHMARKS, ITEMS, MODEL
from benchmarks.served.table import line, refusals, scores
from pytest_unicomp.api.errors import InfrastructureError, UnicompError


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and print a line for each cell as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vllm", type=Path, help="the program vllm of its own environment")
    parser.add_argument("--llama-cpp", type=Path, help="the interpreter of an environment with xllamacpp")
    parser.add_argument("--bundle", type=Path, help="folder with the data sets; without it they are fetched from the hub")
    parser.add_argument("--artifacts", default=",".join(ARTIFACTS))
    parser.add_argument("--benchmarks", default=",".join(BENCHMARKS))
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--evidence", type=Path, default=evidence.FILE)
    arguments = parser.parse_args(words)
    families = [of_this_package()]
    families += [of_vllm(arguments.vllm)] if arguments.vllm else []
    families += [of_llama_cpp(arguments.llama_cpp)] if arguments.llama_cpp else []
    asked = Asked(MODEL, arguments.benchmarks.split(","), arguments.items, arguments.bundle)
    try:
        for artifact in arguments.artifacts.split(","):
            for family in families:
                one_family(asked, artifact, family, arguments.evidence)
    except UnicompError as error:
        print(error, file=sys.stderr)
        sys.exit(7 if isinstance(error, InfrastructureError) else 4)
    print(scores(evidence.read(arguments.evidence)), refusals(evidence.read(arguments.evidence)), sep="\n")


def one_family(asked: Asked, artifact: str, family: Sequence[Engine], path: Path) -> None:
    """Measure an artifact by the first engine of a family that takes it, on what the evidence does not have already."""
    for engine in family:
        if engine.only is not None and artifact not in engine.only:
            continue
        known = {cell.key for cell in evidence.read(path)}
        missing = [name for name in asked.benchmarks if asked.key(artifact, engine, name) not in known]
        for cell in cells(asked, artifact, engine, missing) if missing else ():
            evidence.append(cell, path)
            print(line(cell), flush=True)
        found = {cell.key: cell for cell in evidence.read(path)}
        if any(found[asked.key(artifact, engine, name)].value is not None for name in asked.benchmarks):
            return


if __name__ == "__main__":
    main()
