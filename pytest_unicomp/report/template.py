"""Loads the templates and style sheets of the HTML pages: one self-contained file each, with every value escaped and no scripts."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers, words

if TYPE_CHECKING:
    import jinja2

FOLDER: Final = Path(__file__).parent / "page"
STYLES: Final = ("page.css", "plots.css", "narrow.css", "print.css")


def environment() -> jinja2.Environment:
    """Return the templates: text is escaped, its control characters are made visible, and printing None or an unknown name is an error."""
    import jinja2

    from pytest_unicomp.report import html_values

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=html_values.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(values=html_values, numbers=numbers, words=words, spoken=spoken)
    return made


def style() -> str:
    """Return the style sheet that all pages share."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in STYLES)


def content_security_policy(style: str) -> str:
    """Return a content security policy that allows nothing except this style sheet, by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
