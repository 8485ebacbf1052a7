"""Hooks of the site's build: every note of docs/decisions/ in the navigation, every module of the package on its page, without a list to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MODULES = "<!-- modules -->"


def on_config(config: Any) -> Any:
    """Put the notes, in the order of their names, under the empty heading Decisions."""
    folder = Path(config["docs_dir"])
    notes = [str(path.relative_to(folder)) for path in sorted((folder / "decisions").glob("*.md"))]
    for entry in config["nav"]:
        if "Decisions" in entry and not isinstance(entry, str):
            entry["Decisions"] = notes
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the list of modules where a page asks for it."""
    if MODULES not in markdown:
        return markdown
    from docs.tools.catalogue import module_list

    return markdown.replace(MODULES, module_list())
