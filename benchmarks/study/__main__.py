"""Measures the cells of the study that are not stored yet: `python -m benchmarks.study [--bundle FOLDER] [--minutes 60]`, or `make study`.

What is stored is kept, so the command can be ended at any moment and given again. `python -m benchmarks.study.page` writes docs/smollm2.md from it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.study.measure import Place, lacking, measure
from benchmarks.study.protocol import FOLDER, StudyCell, cells
from pytest_unicomp.api.errors import InfrastructureError, UnicompError


def main(words: Sequence[str] | None = None) -> None:
    """Measure cell after cell in the protocol's order, and print a line on each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, help="folder with the data sets; without it they are fetched from the hub")
    parser.add_argument("--cache", type=Path, help="store of the compressed models; without it the user's cache folder")
    parser.add_argument("--evidence", type=Path, default=FOLDER, help="folder of what is measured")
    parser.add_argument("--minutes", type=float, help="begin no cell after so many minutes")
    parser.add_argument("--recipe", default="", help="only these, comma-separated; with the target's text NAME@reasoning")
    parser.add_argument("--benchmark", default="", help="only these, comma-separated")
    asked = parser.parse_args(words)
    for asked_for, known in ((asked.recipe, {cell.name for cell in cells()}), (asked.benchmark, {cell.benchmark for cell in cells()})):
        if unknown := set(filter(None, asked_for.split(","))) - known:
            parser.error(f"{', '.join(sorted(unknown))} is no part of the study; expected one or more of {', '.join(sorted(known))}")
    try:
        run(_chosen(asked.recipe, asked.benchmark), Place(asked.evidence, asked.bundle, asked.cache), asked.minutes)
    except UnicompError as error:
        print(error, file=sys.stderr)
        sys.exit(7 if isinstance(error, InfrastructureError) else 4)


def run(wanted: Sequence[StudyCell], place: Place, minutes: float | None = None) -> None:
    """Measure what is missing of `wanted` for at most so many minutes, not counting the cell that is worked at then.

    Benchmarks whose data the bundle lacks are named first and left out.
    """
    began = time.monotonic()
    without_data = lacking((cell.benchmark for cell in wanted if not place.has(cell)), place)
    for name, why in without_data.items():
        print(f"unicomp: {name} is left out: {why}", flush=True)
    for number, cell in enumerate(wanted, start=1):
        if place.has(cell) or cell.benchmark in without_data:
            continue
        if minutes is not None and time.monotonic() - began > 60 * minutes:
            print(f"unicomp: {minutes:g} minutes are over; give the command again to go on", flush=True)
            return
        print(f"[{number}/{len(wanted)}] {measure(cell, place)}", flush=True)
    missing = sum(not place.has(cell) for cell in wanted)
    print(f"unicomp: {missing or 'none'} of {len(wanted)} cells {'is' if missing == 1 else 'are'} missing", flush=True)


def _chosen(recipes: str, benchmarks: str) -> list[StudyCell]:
    names, on = (set(filter(None, words.split(","))) for words in (recipes, benchmarks))
    return [cell for cell in cells() if (not names or cell.name in names) and (not on or cell.benchmark in on)]


if __name__ == "__main__":
    main()
