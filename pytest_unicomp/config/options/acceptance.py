"""Options for the accepted losses, costs and drift, and for the baselines of the drift check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import option, table


@dataclass(frozen=True)
class Acceptance:
    """Options for the accepted losses, costs and drift, and for the baselines of the drift check."""

    margin: float | str = option(
        0.03,
        parsers.margin,
        "largest accepted loss per capability: 0.03 (3 points), `5%` of the reference, or `1.2x errors` of it",
        shapes="verdict",
        repeat="always",
    )
    margins: Mapping[str, Any] = table(shapes="verdict")
    limits: Mapping[str, Any] = table(shapes="verdict")
    reply_limits: Mapping[str, Any] = table(shapes="verdict")
    must_pass: Mapping[str, tuple[str, ...]] = table(shapes="verdict")
    benchmark_margin: float | str = option(
        0.05, parsers.margin, "largest accepted loss per benchmark, written like margin", shapes="verdict", repeat="always"
    )
    drift_margin: float = option(
        0.02,
        parsers.fraction(0, 1),
        "largest accepted change against the stored baseline, in (0, 1)",
        shapes="verdict",
        repeat="always",
    )
    alpha: float = option(
        0.05, parsers.fraction(0, 0.5), "one-sided error level of every verdict, in (0, 0.5)", shapes="verdict", repeat="always"
    )
    inconclusive: str = option(
        "fail",
        parsers.choice("fail", "warn"),
        "what an undecided capability does to the run: fail or warn",
        shapes="verdict",
        repeat="always",
    )
    drift: str = option("auto", parsers.choice("auto", "on", "off"), "compare with baselines: auto (if there is one), on, off")
    baselines: Path | None = option(
        None, parsers.path, "folder of baselines; if not given, ./baselines, and those of the package are read too"
    )
    update: str = option(
        "none",
        parsers.choice("none", "missing", "changed", "all"),
        "baselines to write: none, missing, changed or all; with drift on, a missing baseline is always written, and fails once",
    )
