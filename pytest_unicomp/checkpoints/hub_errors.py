"""Turns exceptions of the hub's client into one line with the cause and the remedy; decided by types and status codes, never by messages."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem, one_line

LONGEST = 160
TOO_MANY, REFUSED = 429, 401


def explained(what: str, error: BaseException) -> UnicompError:
    """Return the error to raise because `what` (such as "the model org/name") could not be fetched.

    It is a UsageProblem (exit code 4) if a name, a token or a setting is wrong, and an InfrastructureError (7) if the hub does not answer.
    Libraries wrap the client's errors in their own; the first that is known in the chain of causes decides.
    """
    for found in _chain(error):
        known = _known(what, found)
        if known is not None:
            return known
    return InfrastructureError(f"unicomp: {what} could not be fetched ({_words(error)}); check the name and your access, or use a bundle.")


def unreachable(what: str, error: BaseException) -> InfrastructureError:
    """Return the error to raise if the hub does not answer at all."""
    return InfrastructureError(
        f"unicomp: {what} has to be fetched and the hub does not answer at {endpoint()} ({_words(error)}); expected a network, or a bundle: "
        "`unicomp prefetch --bundle DIR` where there is one, then --unicomp-bundle=DIR here."
    )


def switched_off(what: str) -> UsageProblem:
    """Return the error to raise if HF_HUB_OFFLINE is set and something must be downloaded."""
    return UsageProblem(
        f"unicomp: {what} is not on this machine and HF_HUB_OFFLINE forbids fetching; unset it, or fill a bundle where there is a network: "
        "`unicomp prefetch --bundle DIR`, then --unicomp-bundle=DIR here."
    )


def endpoint() -> str:
    """Return the address of the hub: that of HF_ENDPOINT if it is set."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def offline() -> bool:
    """Return True if HF_HUB_OFFLINE forbids connections."""
    from huggingface_hub import constants

    return bool(constants.is_offline_mode())


def _known(what: str, error: BaseException) -> UnicompError | None:
    import httpx
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return _gated(what)
    if isinstance(error, errors.RevisionNotFoundError):
        return UsageProblem(
            f"unicomp: {what} is not on the hub: the repository has no such revision; give a branch, a tag or a commit of it."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        hint = "is it private to others?" if _has_token() else "if it is private, set HF_TOKEN."
        return UsageProblem(f"unicomp: {what} is not on the hub at {endpoint()}; check the name; {hint}")
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return UsageProblem(f"unicomp: {what} lacks a file that is needed ({_words(error)}); check the name of the file.")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return switched_off(what)
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
        return _refused(what, error.response.status_code)
    if isinstance(error, (httpx.ConnectError, httpx.TimeoutException, httpx.ProxyError, httpx.UnsupportedProtocol)):
        return unreachable(what, error)
    if isinstance(error, httpx.TransportError):
        return InfrastructureError(
            f"unicomp: {what} could not be fetched whole: the connection to the hub broke off ({_words(error)}); run the command again, "
            "what has arrived is kept."
        )
    return None


def _gated(what: str) -> UsageProblem:
    if _has_token():
        return UsageProblem(
            f"unicomp: {what} is gated and the token that is set may not read it; accept its conditions on {endpoint()} with that account, "
            "or set HF_TOKEN to the token of one that has."
        )
    return UsageProblem(f"unicomp: {what} is gated and no token is set; accept its conditions on {endpoint()}, then set HF_TOKEN.")


def _refused(what: str, status: int) -> UnicompError:
    if status == REFUSED:
        return UsageProblem(f"unicomp: {what}: the hub refuses the token that is set (status {status}); set HF_TOKEN to a valid one.")
    if status == TOO_MANY:
        return InfrastructureError(
            f"unicomp: {what} could not be fetched: the hub takes no more requests from here for now (status {status}); wait some minutes, "
            "set HF_TOKEN, or use a bundle (`unicomp prefetch`)."
        )
    return InfrastructureError(
        f"unicomp: {what} could not be fetched: the hub at {endpoint()} answers with status {status}; try again later, or use a bundle "
        "(`unicomp prefetch`)."
    )


def _has_token() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _words(error: BaseException) -> str:
    return one_line(error, longest=LONGEST) or type(error).__name__
