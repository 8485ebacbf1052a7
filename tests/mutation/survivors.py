"""Counts the mutants of compare/ and lists the survivors with their explanations: `python -m tests.mutation.survivors [--write FILE]`.

Run it where `make mutants` has left `mutants/`. Exit code 1 if a survivor is not in explained.toml, an entry there survives no longer, or more
than MOST of the mutants that were run survive. `--write docs/mutation.md` puts table and list between the markers of that page.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.tools.catalogue import table
from tests.mutation.results import Mutant, mutants

EXPLAINED = Path(__file__).with_name("explained.toml")
MOST = 0.05


@dataclass(frozen=True)
class Explanation:
    """Why a change survives: `equivalent` if no input can show it, else what it would take."""

    where: str
    change: str
    equivalent: bool
    reason: str


def explanations(path: Path = EXPLAINED) -> list[Explanation]:
    """Read the explanations; an entry may name several changes of one function that have the same reason."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    return [Explanation(entry["where"], change, entry["equivalent"], entry["reason"]) for entry in entries for change in entry["changes"]]


@dataclass(frozen=True)
class Count:
    """The mutants of one module, or of all."""

    module: str
    made: int
    refused: int
    killed: int
    survive: int
    equivalent: int
    not_run: int

    @property
    def run(self) -> int:
        """Those that mypy let through and mutmut has tried."""
        return self.killed + self.survive


def counts(found: Sequence[Mutant], explained: Iterable[Explanation]) -> list[Count]:
    """Return one count per module, in alphabetical order, and that of all together."""
    proven = {(entry.where, entry.change) for entry in explained if entry.equivalent}
    modules = sorted({one.module for one in found})
    return [*(_count(name, [one for one in found if one.module == name], proven) for name in modules), _count("together", found, proven)]


def _count(module: str, found: Sequence[Mutant], proven: set[tuple[str, str]]) -> Count:
    ended = Counter(one.outcome for one in found)
    equivalent = sum(one.outcome == "survives" and (one.where, one.change) in proven for one in found)
    return Count(module, len(found), ended["refused"], ended["killed"], ended["survives"], equivalent, ended["not run"])


def faults(found: Sequence[Mutant], explained: Sequence[Explanation]) -> list[str]:
    """Return one line for each survivor without an explanation, each explanation without a survivor, and for too many survivors."""
    survivors = {(one.where, one.change) for one in found if one.outcome == "survives"}
    known = {(entry.where, entry.change) for entry in explained}
    unfinished = {one.module for one in found if one.outcome == "not run"}
    complete = {one.where for one in found if one.module not in unfinished}
    lines = [f"not explained: {where}: {change}" for where, change in sorted(survivors - known)]
    lines += [f"survives no longer: {where}: {change}" for where, change in sorted(known - survivors) if where in complete]
    whole = counts(found, explained)[-1]
    if whole.survive > MOST * max(whole.run, 1):
        lines.append(f"{whole.survive} of {whole.run} survive: {100 * whole.survive / whole.run:.1f} %, more than {100 * MOST:.0f} %")
    return lines


def page(found: Sequence[Mutant], explained: Sequence[Explanation]) -> str:
    """Return the table of modules and the list of survivors, as Markdown."""
    rows = counts(found, explained)
    head = ("module", "mutants", "refused by mypy", "killed by a test", "survive", "of them equivalent", "not run")
    cells = [
        tuple(str(value) for value in (one.module, one.made, one.refused, one.killed, one.survive, one.equivalent, one.not_run))
        for one in rows
    ]
    survivors = Counter((one.where, one.change) for one in found if one.outcome == "survives")
    listed: dict[tuple[str, str], list[str]] = {}
    for entry in explained:
        if (entry.where, entry.change) in survivors:
            kind = "equivalent" if entry.equivalent else "not equivalent"
            listed.setdefault((entry.where, f"{kind}: {entry.reason}"), []).append(entry.change)
    for where, change in sorted(survivors.keys() - {(entry.where, entry.change) for entry in explained}):
        listed.setdefault((where, "not explained"), []).append(change)
    lines = [
        f"- `{where}`, {reason}\n" + "".join(f"    - `{change}`\n" for change in changes) for (where, reason), changes in listed.items()
    ]
    whole = rows[-1]
    share = f"Of the {whole.run:,} mutants that were run {100 * whole.survive / max(whole.run, 1):.1f} % survive."
    return f"{table(head, cells)}\n{share}\n\n### The survivors\n\n{''.join(lines)}"


def main(words: list[str]) -> int:
    """Print the table, the survivors and the faults; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("mutants"))
    parser.add_argument("--write", type=Path)
    given = parser.parse_args(words)
    found, explained = list(mutants(given.folder)), explanations()
    text = page(found, explained)
    sys.stdout.write(text)
    if given.write is not None:
        _write(given.write, text)
    wrong = faults(found, explained)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


def _write(path: Path, text: str) -> None:
    start, end = "<!-- mutants:start -->\n", "<!-- mutants:end -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(start)
    path.write_text(f"{before}{start}{text}{end}{rest.partition(end)[2]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
