"""Makes the mutants of compare/ and runs the tests on them: `python -m tests.mutation.run [PATTERN ...]`, as in `stats.decisions.*`.

mutmut makes the mutants in `mutants/` and asks mypy about them; pytest then collects the tests once and forks a process per mutant
(`tests.mutation.plugin`), since starting pytest for each would take most of the time. A mutant that was tried is not tried again unless a
pattern names it; what changes in the code or in the tests is made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.mutation.results import REFUSED, spans

FOLDER = Path("mutants")
MODULES = "pytest_unicomp.compare."


def make() -> None:
    """Write the mutants of the functions that changed, and note those that mypy refuses."""
    from mutmut.__main__ import create_mutants
    from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

    asked = FOLDER / "asked-mypy"
    FOLDER.mkdir(exist_ok=True)
    with redirect_stdout(StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        made = create_mutants(1).mutated
    if made or not asked.exists():
        _note(_refused())
        asked.touch()


def _refused() -> set[str]:
    """Return the names of the mutants in which mypy finds an error."""
    from mutmut.configuration import config

    words = config().type_check_command
    said = subprocess.run(words, cwd=FOLDER, capture_output=True, encoding="utf-8", check=False)
    if said.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(words)} failed: {said.stderr or said.stdout}")
    lines: dict[str, set[int]] = {}
    for error in map(json.loads, filter(str.strip, said.stdout.splitlines())):
        if error["severity"] == "error":
            lines.setdefault(error["file"], set()).add(error["line"])
    return {
        f"{name.removesuffix('.py').replace('/', '.')}.{function}"
        for name, wrong in lines.items()
        for function, (first, last) in spans(FOLDER / name).items()
        if any(first <= line <= last for line in wrong)
    }


def _note(refused: set[str]) -> None:
    for path in FOLDER.rglob("*.py.meta"):
        data = json.loads(path.read_text(encoding="utf-8"))
        codes = data["exit_code_by_key"]
        codes.update(dict.fromkeys(codes.keys() & refused, REFUSED))
        path.write_text(json.dumps(data), encoding="utf-8")


def main(words: list[str]) -> int:
    """Make the mutants and run the tests; return pytest's exit code."""
    from mutmut.configuration import config

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--seconds", type=float, default=60.0, help="most seconds of processor time for the tests of one mutant")
    parser.add_argument("--survivors", action="store_true", help="run those again that survived")
    given = parser.parse_args(words)
    make()
    own = [*config().pytest_add_cli_args, *config().pytest_add_cli_args_test_selection, f"--seconds-each={given.seconds}"]
    own += [f"--mutants={MODULES}{pattern}" for pattern in given.patterns]
    own += ["--survivors"] if given.survivors else []
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.resolve())}
    plugin = ["-p", "tests.mutation.plugin", "-q"]
    return subprocess.run([sys.executable, "-m", "pytest", *plugin, *own], cwd=FOLDER, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
