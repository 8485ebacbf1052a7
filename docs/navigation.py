"""Hooks of the site's build: every note of docs/decisions/ in the navigation, every module and message of the package on its page, without a list to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MODULES = "<!-- modules -->"
MESSAGES = "<!-- messages -->"


def on_config(config: Any) -> Any:
    """Put the notes, in the order of their names, under the empty heading Decisions."""
    folder = Path(config["docs_dir"])
    notes = [str(path.relative_to(folder)) for path in sorted((folder / "decisions").glob("*.md"))]
    for entry in config["nav"]:
        if "Decisions" in entry and not isinstance(entry, str):
            entry["Decisions"] = notes
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the lists of modules and of messages where a page asks for them."""
    if MODULES in markdown:
        from docs.tools.catalogue import module_list

        return markdown.replace(MODULES, module_list())
    if MESSAGES in markdown:
        from docs.tools.messages import message_sections

        return markdown.replace(MESSAGES, message_sections())
    return markdown
