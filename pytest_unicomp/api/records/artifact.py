"""Records of the reference, the calibration text and the compressed checkpoints."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.vocabulary import Family


class Model(Record):
    """The reference, resolved to files on this machine: `fingerprint` covers weights, configuration, tokenizer and template.

    `original` describes the checkpoint that the files were converted from, if they were: path, fingerprint, format, bytes, bits per weight.
    """

    name: str
    path: str
    fingerprint: str
    parameters: int = Field(ge=0)
    bytes: int = Field(ge=0)
    original: dict[str, Any] | None = None


class CalibrationText(Record):
    """The texts that a calibrated method saw: mixture name, number of texts, tokens per text at most, seed, sha256 of the texts, tokens of all
    texts together (None if unknown), and their form: `equal`, whose length and template do not depend on the mixture, or the sources' `own`;
    `left_out` counts the texts that were dropped because they contain questions of the run."""

    mixture: str
    samples: int
    tokens: int
    seed: int
    digest: str
    tokens_seen: int | None = None
    form: Literal["equal", "own"] = "equal"
    left_out: int = Field(default=0, ge=0)


class Artifact(Record):
    """A compressed model as an ordinary checkpoint folder. `bytes` are those of its weight files, `bits_per_weight` = 8 x bytes / parameters
    of the reference architecture stored in it, `sparsity` the share of exact zeros in the decoder's linear layers. A served model's `path` is its
    address, and what only its files could tell is None. `compress_joules` are the device's own count (None: it has none), `training_tokens` those
    that a method trained on (None: it does not train)."""

    recipe: str
    family: Family
    settings: dict[str, Any]
    calibration: CalibrationText | None = None
    path: str
    fingerprint: str
    parameters: int | None = Field(ge=0)
    bytes: int | None = Field(ge=0)
    bits_per_weight: float | None = Field(ge=0)
    sparsity: float | None = Field(ge=0, le=1)
    compress_seconds: float | None = Field(default=None, ge=0)
    compress_peak_bytes: int | None = Field(default=None, ge=0)
    compress_joules: float | None = Field(default=None, ge=0)
    training_tokens: int | None = Field(default=None, ge=0)
