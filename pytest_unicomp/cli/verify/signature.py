"""Verifies the SSH signature of a report against a file of allowed signers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.foreign import ForeignFile
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.report import ssh_signature

WHAT: Final = "the signature"


def signature_answer(content: bytes, signature: Path, allowed: Path) -> Answer:
    """Verify the SSH signature of `content`. States: as_reported (the note names the signer); missing (no signature file); changed (content or
    signature was edited); differs (the signer is not in `allowed`); not_checked (ssh-keygen is not installed).

    Raises UsageProblem if `allowed` cannot be read.
    """
    ssh_signature.require_signers(allowed)
    if not signature.exists():
        return Answer(WHAT, "missing", f"there is no {signature}; whoever ran the gate makes it with `unicomp sign`")
    try:
        ssh_signature.require_small(signature)
        return _answer(content, signature, allowed)
    except ForeignFile as error:
        return Answer(WHAT, "changed", f"{signature} {error.found}")
    except InfrastructureError as error:
        return Answer(WHAT, "not_checked", error.detail)


def _answer(content: bytes, signature: Path, allowed: Path) -> Answer:
    if not ssh_signature.whole(content, signature):
        return Answer(WHAT, "changed", f"{signature} is no signature of the report as it is now; the report or the signature was edited")
    names = ssh_signature.candidates(signature, allowed)
    if not names:
        return Answer(WHAT, "differs", f"{signature} was made with a key that {allowed} does not list")
    signers = [name for name in names if ssh_signature.made_by(content, signature, allowed, name)]
    if not signers:
        return Answer(WHAT, "differs", f"{allowed} does not let {', '.join(names)} sign reports today (namespaces, validity)")
    return Answer(WHAT, "as_reported", f"the report was signed by {', '.join(signers)}")
