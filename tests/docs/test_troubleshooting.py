"""What the page on trouble quotes is what the program says: a message that is reworded must be reworded there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of pytest and of libraries.
OTHERS = {"unrecognized arguments"}


def quoted():
    """Return the words in backticks of each first column, without those of other programs."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    firsts = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return [words for first in firsts for words in re.findall(r"`([^`]+)`", first) if words not in OTHERS]


def spoken():
    """Return all literal text of the package, with N for whatever is put in; backticks and quotes are left out."""
    found = []
    for path in (ROOT / "pytest_unicomp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "N" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found).replace("`", "")


def test_each_message_that_the_page_quotes_is_one_of_the_program():
    messages = spoken()
    assert len(quoted()) > 15
    commands = {words for words in quoted() if words.startswith("pytest")}
    assert [words for words in quoted() if words not in messages and words not in commands] == []
