"""Options for the calibration text of recipes."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import option


@dataclass(frozen=True)
class CalibrationText:
    """Options for the calibration text of recipes."""

    calibration: str = option(
        "generic",
        parsers.text,
        "calibration text: mixture name, weights `generic=.5,reasoning=.5`, or FILE.jsonl",
        shapes="artifact",
        repeat="always",
    )
    calibration_samples: int | None = option(
        None, parsers.whole(1), "calibration texts per method; if not given, 128, on a CPU maybe fewer (nano: 80)", shapes="artifact"
    )
    calibration_tokens: int | None = option(
        None, parsers.whole(2), "tokens per calibration text; if not given, 2048, the context, or fewer (nano: 256)", shapes="artifact"
    )
    calibration_form: str = option(
        "equal",
        parsers.choice("equal", "own"),
        "equal: every calibration text is filled to that length; own: texts keep the length they have in their source, at most that",
        shapes="artifact",
    )
    calibration_target: str | None = option(
        None,
        parsers.text,
        "second calibration mixture: calibrated pruned and quantized recipes are made with it too, and the report shows the paired gain per capability",
        shapes="artifact",
        repeat="never",
    )
