"""The errors that this package raises deliberately; each message names its source, what was found, what was expected, and the remedy."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

# Who reports: every message of this package begins with it.
PREFIX = "unicomp: "


class UnicompError(Exception):
    """An error that a user can correct: its message is one line, printed without a traceback."""

    @property
    def detail(self) -> str:
        """The message without the leading `unicomp: `, for use inside another message."""
        return str(self).removeprefix(PREFIX)


class UsageProblem(UnicompError):
    """An option, a name or a file given by the user is wrong; found before anything runs (exit code 4)."""


class MissingPiece(UsageProblem):
    """Something that a benchmark reads is not in the bundle: `what` it is, `where` it was looked for."""

    def __init__(self, what: str, *, where: str, near: str = "") -> None:
        """Build the message; `near` is a hint at a file of a similar name, such as ` Did you mean 'x'?`, or empty."""
        super().__init__(f"unicomp: the bundle lacks {what}; expected it at {where}, which is not there.{near}")
        self.what = what
        self.where = where
        self.near = near


class InfrastructureError(UnicompError):
    """An artifact or a measurement could not be made; never a regression and never a pass (exit code 7)."""


class VerdictError(AssertionError):
    """A check did not pass; `verdict` is the check's verdict, `binding` is True if the run may fail because of it."""

    def __init__(self, message: str, *, verdict: str, binding: bool) -> None:
        """Store the verdict as an attribute, so that the plugin need not parse the message."""
        super().__init__(message)
        self.verdict = verdict
        self.binding = binding


def guarded(work: Callable[[], T], what: str) -> T:
    """Return `work()`; turn any exception other than a UnicompError into an InfrastructureError that names the activity `what`."""
    try:
        return work()
    except UnicompError:
        raise
    except Exception as error:
        # A library, or a stranger's benchmark or method, may raise anything; whatever it is, the run reports one line and goes on.
        failure = InfrastructureError(f"{PREFIX}{what} failed: {_reason(error)}")
        clear_frames(error)
        raise failure from error


def clear_frames(error: BaseException) -> None:
    """Clear the local variables in the traceback of an error and of the errors that caused it; frames that still run are left as they are.

    An error that is kept would otherwise keep the model and the activations of the failed work in memory.
    """
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) not in seen:
            seen.add(id(current))
            traceback.clear_frames(current.__traceback__)
            waiting += [other for other in (current.__cause__, current.__context__) if other is not None]


def _reason(error: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError) and any(each["type"] == "finite_number" for each in error.errors()):
        return (
            "a number in its results is NaN or infinite; expected finite numbers: "
            "`unicomp check-artifact` names the tensor if a weight of the checkpoint is not finite"
        )
    return f"{type(error).__name__}: {one_line(error)}"


def one_line(error: object, *, longest: int | None = None) -> str:
    """Return a foreign message on one line, each run of white space as one blank, cut to `longest` characters."""
    return " ".join(str(error).split())[:longest]


def nearest(name: str, known: Iterable[str], limit: int = 3) -> str:
    """Return " Did you mean 'a' or 'b'?" for the known names closest to `name`, or an empty string if none is close."""
    close = difflib.get_close_matches(name, list(known), n=limit, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""
