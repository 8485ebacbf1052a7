"""The options of a run, each declared once: a field of `Settings` is the flag `--unicomp-x-y`, the key `x_y` in a file, and what the run reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import Option, declared, option, table
from pytest_unicomp.config.toml_lines import NO_FILE, Key, Keys, TomlLocations
from pytest_unicomp.config.waivers import Waiver


@dataclass(frozen=True)
class Settings:
    """The resolved options of one run. Without a model the plugin is inert."""

    model: str | None = option(None, parsers.text, "reference model: hub id, folder, `nano` (embedded) or `smollm2` (of a package)")
    recipe: tuple[str, ...] = option(
        ("rtn-w8a16", "gptq-w4a16"), parsers.names, "recipes that gate: comma-separated names, or `all`", repeatable=True
    )
    inform: tuple[str, ...] = option((), parsers.names, "recipes that are measured and reported but never fail the run", repeatable=True)
    candidate: tuple[str, ...] = option(
        (),
        parsers.places,
        "checkpoint compressed elsewhere: folder, hub id, or URL of an OpenAI-compatible server; gates like a recipe",
        repeatable=True,
    )
    benchmark: tuple[str, ...] = option(
        (),
        parsers.names,
        "benchmarks or sets: nano, performance, reliability, trustllm, efficiency, paper, bundle (everything that the bundle holds)",
        repeatable=True,
    )
    profile: str = option(
        "standard",
        parsers.text,
        "smoke, standard, release, paper, or one that the configuration file defines",
        shapes="verdict",
        repeat="always",
    )
    limit: int | None = option(1000, parsers.limit, "items per benchmark, or `all`", shapes="measurement", repeat="always")
    seed: int = option(0, parsers.whole(0), "seed of item order, sampling and calibration", shapes="measurement", repeat="always")
    sequential: bool = option(
        False,
        parsers.switch,
        "stop a benchmark early, once its verdict is certain, if it is the only one of its capability; takes no value",
        switch=True,
        shapes="verdict",
    )
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
        "second calibration mixture: pruned recipes are made with it too, and the report shows the paired gain per capability",
        shapes="artifact",
        repeat="never",
    )
    margin: float | str = option(
        0.03,
        parsers.margin,
        "largest accepted loss per capability: 0.03 (3 points), `5%` of the reference, or `1.2x errors` of it",
        shapes="verdict",
        repeat="always",
    )
    margins: Mapping[str, Any] = table(shapes="verdict")
    limits: Mapping[str, Any] = table(shapes="verdict")
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
    bundle: Path | None = option(
        None,
        parsers.path,
        "offline folder in hub layout; with it, nothing is downloaded",
        shapes="measurement",
        keyed=False,
        recorded=False,
    )
    cache: Path | str | None = option(
        None,
        parsers.folder_or_address,
        "store of artifacts and measurements: folder, or fsspec address (`s3://bucket/store`) shared by machines; if not given, the user's cache folder",
    )
    device: str = option(
        "auto",
        parsers.device,
        "auto, cpu, cuda, cuda:N, or sharded (spread over all GPUs and host memory)",
        shapes="measurement",
        keyed=False,
        recorded=False,
    )
    dtype: str = option(
        "auto",
        parsers.choice("auto", "float32", "bfloat16", "float16"),
        "data type of evaluation: auto, float32, bfloat16, float16",
        shapes="measurement",
        recorded=False,
    )
    scoring: str = option(
        "corrected",
        parsers.choice("corrected", "paper"),
        "how free replies are read and scores combined: corrected, or paper (as the paper does, its errors included)",
        shapes="measurement",
        keyed=False,
    )
    judge: str = option(
        "rules",
        parsers.text,
        "judge of free replies: rules (offline), classifier:MODEL (refusals) or server:URL",
        shapes="measurement",
        keyed=False,
    )
    similarity: str = option(
        "sentence-transformers/all-MiniLM-L6-v2",
        parsers.text,
        "sentence-embedding model that compares replies: hub id or folder",
        shapes="measurement",
        keyed=False,
    )
    response_length: int = option(
        128, parsers.whole(1), "largest number of tokens in a free reply (TrustLLM sets)", shapes="measurement", keyed=False
    )
    temperature: str = option(
        "0",
        parsers.temperature,
        "sampling temperature of free replies (TrustLLM sets): 0 is greedy; paper: 0 or 1, as TrustLLM sets it per file",
        shapes="measurement",
        keyed=False,
    )
    reference: str = option(
        "run",
        parsers.reference,
        "run: evaluate the reference; stored: read its evidence from the baselines; URL: a server that serves it already",
        shapes="verdict",
        repeat="always",
    )
    backend: str = option(
        "hf",
        parsers.choice("hf", "server"),
        "what evaluates: hf (in this process) or server (started by --unicomp-serve)",
        shapes="measurement",
    )
    serve: str | None = option(
        None,
        parsers.text,
        "command that serves a model, for example from another environment: 'vllm serve {model} --port {port}'; implies backend server",
        shapes="measurement",
    )
    executor: str = option(
        "local",
        parsers.choice("local", "process", "ray"),
        "where work runs: local, process (a fresh interpreter per job, one per device) or ray",
    )
    address: str | None = option(None, parsers.text, "address of the Ray cluster; if not given, one is started on this machine")
    report: tuple[str, ...] = option((), parsers.places, "file to write the report to: .json, .html or .md", repeatable=True)
    recipes: Mapping[str, Any] = table()
    waivers: tuple[Waiver, ...] = ()
    locations: TomlLocations = field(default=NO_FILE, repr=False)
    # The values of the file itself, under (), and of each of its profiles, chosen or not, under ("profiles", NAME).
    file_layers: Mapping[Keys, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    # The keys in the file of each entry of the merged tables, for error messages.
    file_keys: Mapping[Keys, Keys] = field(default_factory=dict, repr=False)

    def location(self, *keys: Key) -> str:
        """Return file and line of an entry, "FILE:LINE: margins.reasoning"; an entry that comes from a profile has the line there."""
        return self.locations.location(*self.file_keys.get(keys, keys))


def options(settings: type[Settings] | None = None) -> tuple[Option, ...]:
    """Return the declarations of all options that have a flag, in the order of `Settings`, or of the class that is given."""
    return tuple(found for found in _all_declared(settings) if not found.table)


def shaping(settings: type[Settings] | None = None) -> tuple[Option, ...]:
    """Return the declarations of the options and tables that shape an artifact, a measurement or a verdict."""
    return tuple(found for found in _all_declared(settings) if found.shapes is not None)


def recorded(settings: Settings) -> dict[str, Any]:
    """Return what a report's policy shows of the options: the values of those that shape something, but for this machine's own."""
    return {found.name: getattr(settings, found.name) for found in shaping(type(settings)) if found.recorded}


def _all_declared(settings: type[Settings] | None) -> list[Option]:
    return [found for one in fields(settings or Settings) if (found := declared(one)) is not None]


def flag(name: str) -> str:
    """Return the flag of an option: `limit` -> `--unicomp-limit`."""
    return "--unicomp-" + name.replace("_", "-")


def destination(name: str) -> str:
    """Return the attribute under which pytest keeps the flag's value; prefixed, so that no other plugin collides."""
    return "unicomp_" + name
