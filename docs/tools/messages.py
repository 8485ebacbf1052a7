"""All messages of the package, taken from where each is raised: what it says, who says it, and what was expected or is to be done."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest_unicomp
from docs.tools.catalogue import table

# The classes of errors, and the exit code that each ends a run with; what a check or a recipe raises is an error of the matrix.
EXIT_CODES: Final = {"UsageProblem": "4", "ForeignFile": "4", "InfrastructureError": "7", "UnicompError": "7"}
# For a message that names the fault alone.
OTHERWISE: Final = {
    "4": "correct it, and give the command again",
    "7": "give the command again: what was measured is in the store",
}
VALUE = "…"
# The finding ends here, and what was expected, or what to do, begins.
TURN = re.compile(r"[;,] (?=expected )|; |: (?=expected )|\. (?=[A-Z`])")


@dataclass(frozen=True)
class Message:
    """One message: the module that raises it, the exit code, what was found, and what was expected or is to be done ("" if it says nothing of it)."""

    module: Path
    exit_code: str
    found: str
    remedy: str


def messages() -> list[Message]:
    """Return all messages that are written where they are raised, in the order of the modules; values are shown as "…"."""
    root = Path(pytest_unicomp.__file__).parent
    return [message for path in sorted(root.rglob("*.py")) for message in _of_module(path, root)]


def _of_module(path: Path, root: Path) -> Iterator[Message]:
    known = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or name not in EXIT_CODES or not node.args:
            continue
        text = _text(node.args[0]).removeprefix(VALUE).removeprefix("unicomp: ").strip()
        if text.strip(f"{VALUE} .;:") and text not in known:
            known.add(text)
            turn = TURN.search(text)
            found, remedy = (
                (text[: turn.start()], text[turn.end() :]) if turn and text[: turn.start()].strip(f"{VALUE} .;:") else (text, "")
            )
            yield Message(path.relative_to(root), EXIT_CODES[name], found.rstrip("."), remedy.rstrip(".").strip(f" {VALUE}"))


def _text(node: ast.expr) -> str:
    """Return a literal text, with VALUE for whatever is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return VALUE


def message_sections() -> str:
    """One section per package, one row per message."""
    root = Path(pytest_unicomp.__file__).parent
    groups: dict[str, list[Message]] = {}
    for message in messages():
        groups.setdefault(message.module.parts[0], []).append(message)
    sections = []
    for package, found in groups.items():
        rows = [(_cell(one.found), _who(root / one.module), _cell(one.remedy or OTHERWISE[one.exit_code]), one.exit_code) for one in found]
        sections.append(f"### {package}\n\n" + table(("it says", "from", "expected, or what to do", "code"), rows))
    return "\n".join(sections)


def _who(path: Path) -> str:
    """Return what the module does: the sentence that its file opens with, up to its first pause."""
    sentence = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split())
    return _cell(re.split(r"[:;,.](?: |$)| \(", sentence)[0])


def _cell(text: str) -> str:
    """Return a text as Markdown: what would be read as markup is escaped, but for what is between backticks."""
    parts = " ".join(text.split()).split("`")
    return "`".join(part if place % 2 else re.sub(r"([*_\[\]<])", r"\\\1", part) for place, part in enumerate(parts))
