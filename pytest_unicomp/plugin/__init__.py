"""The pytest plugin: declares the options and the marks, and does nothing else until a model is named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_unicomp.plugin.fixtures import (
    artifact,
    artifact_check,
    baseline,
    calibration_gain,
    capability,
    cell,
    claim,
    drift,
    kernel,
    latency,
    measurement,
    must_pass,
    reference,
    reply_limits,
    retention,
    size,
    soundness,
    unicomp,
)
from pytest_unicomp.plugin.stash import GATE
from pytest_unicomp.plugin.suites import suites

if TYPE_CHECKING:
    from pytest_unicomp.plugin.gate import Gate

__all__ = [
    "artifact",
    "artifact_check",
    "baseline",
    "calibration_gain",
    "capability",
    "cell",
    "claim",
    "drift",
    "kernel",
    "latency",
    "measurement",
    "must_pass",
    "reference",
    "reply_limits",
    "retention",
    "size",
    "soundness",
    "unicomp",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add one flag per declared option."""
    from pytest_unicomp.config.settings import destination, flag, options

    group = parser.getgroup("unicomp", "release gate for compressed language models")
    for option in options():
        default = option.default
        text = option.help + (f" (default: {', '.join(default) if isinstance(default, tuple) else default})" if default else "")
        action: dict[str, Any] = {"action": "append"} if option.repeatable else {"action": "store"}
        if option.switch:
            action = {"action": "store_const", "const": True}
        group.addoption(flag(option.name), dest=destination(option.name), default=None, help=text.replace("%", "%%"), **action)
    group.addoption(
        "--unicomp-config", dest="unicomp_config", default=None, help="read options from this TOML file instead of unicomp.toml"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks; if a model is named, check every option and start the gate."""
    for line in marks():
        config.addinivalue_line("markers", line)
    from pytest_unicomp.api.errors import UnicompError, UsageProblem
    from pytest_unicomp.api.unforeseen import EXIT_CODE, unforeseen
    from pytest_unicomp.config.config_file import configuration
    from pytest_unicomp.config.resolve import resolve
    from pytest_unicomp.config.settings import destination, options

    flags = {option.name: config.getoption(destination(option.name)) for option in options()}
    try:
        named = config.getoption("unicomp_config")
        file, locations = configuration(Path(named) if named else None, (config.invocation_params.dir, config.rootpath))
        if flags["model"] is None and "model" not in file:
            _refuse_flags_without_model(flags, config.invocation_params.args)
            return
        settings = resolve(flags, file, locations=locations)
        # Read when the hub's client is loaded: a gate sends nothing but its requests.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        from pytest_unicomp.plugin.gate import Gate
        from pytest_unicomp.plugin.store_notices import StoreNotices

        gate = Gate(config, settings)
        config.pluginmanager.register(gate, GATE)
        config.pluginmanager.register(StoreNotices(gate.run.store))
    except UsageProblem as error:
        raise pytest.UsageError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - pytest itself would end with 3, as for a fault of its own
        pytest.exit(str(error) if isinstance(error, UnicompError) else unforeseen(error), returncode=EXIT_CODE)
    if flags["model"] is not None:
        _aim_at_packaged_suites(config)
    else:
        from pytest_unicomp.plugin.not_gated import NotGated

        config.pluginmanager.register(NotGated(config, locations.location("model"), settings.model or ""))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests of the matrix their cells; without a model they are skipped with the reason."""
    gate: Gate | None = metafunc.config.pluginmanager.get_plugin(GATE)
    if "claim" in metafunc.fixturenames:
        claims = gate.run.claimed() if gate is not None else []
        metafunc.parametrize("claim", [pytest.param(claim, id=f"{claim.about}-{claim.claim}") for claim in claims], indirect=True)
    if "cell" not in metafunc.fixturenames:
        return
    if gate is not None:
        gate.parametrize(metafunc)
    else:
        reason = "no model: give --unicomp-model=NAME (`nano` is the embedded one)"
        metafunc.parametrize("cell", [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="no-model")], indirect=True)


def marks() -> list[str]:
    """Return the lines that declare the marks: one per dimension, capability and family, and `unicomp`, whose question selects the cells of a test."""
    from pytest_unicomp.api.vocabulary import CAPABILITIES, DIMENSIONS, FAMILIES, MARK_QUESTIONS

    lines = [
        f"unicomp(question, dimension=None): which cells a test of the matrix gets; the question is one of {', '.join(MARK_QUESTIONS)}"
    ]
    lines += [f"{name}: cells of this dimension" for name in DIMENSIONS]
    lines += [f"{name}: cells of this capability" for name in CAPABILITIES]
    return lines + [f"{name}: recipes of this family" for name in FAMILIES]


def _aim_at_packaged_suites(config: pytest.Config) -> None:
    """Collect the packaged suites if the command line names no path; an xdist worker gets the command line as it was typed, so it does the same."""
    if config.args_source is not config.ArgsSource.ARGS:
        config.args = [str(suites())]


def _refuse_flags_without_model(flags: dict[str, Any], typed: Sequence[str | os.PathLike[str]]) -> None:
    """Raise UsageProblem for flags that were typed; those of `addopts` wait for a model, as the options of a file do."""
    from pytest_unicomp.api.errors import UsageProblem
    from pytest_unicomp.config.settings import flag

    words = {str(word).partition("=")[0] for word in typed}
    given = [flag(name) for name, value in flags.items() if value and flag(name) in words]
    if given:
        raise UsageProblem(f"unicomp: {', '.join(given)} given, but no model; add --unicomp-model=NAME (`nano` is the embedded one).")
