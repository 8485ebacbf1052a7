"""Turns an unexpected exception into one line; the trace goes to a file."""

from __future__ import annotations

import os
import tempfile
import traceback

from pytest_unicomp.api.errors import one_line

LONGEST = 300
# The exit code: a fault of the program is no verdict.
EXIT_CODE = 7


def unforeseen(error: BaseException) -> str:
    """Write the trace to a new file and return the line that names it and where to report it; never raises."""
    what = f"{type(error).__name__}: {one_line(error, longest=LONGEST)}"
    try:
        handle, path = tempfile.mkstemp(prefix="unicomp-trace-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(traceback.format_exception(error)))
        where = f"the trace is in {path}"
    except Exception as failed:  # noqa: BLE001 - memory or disk may be what is missing
        where = f"its trace could not be written ({type(failed).__name__})"
    return f"unicomp: unforeseen error: {what}; expected none: a fault of this program, no verdict; {where}; report it with that file (docs/security.md)."
