"""Every option, declared once: a field of `Settings` is the flag `--unicomp-x-y`, the key `x_y` in a file, and what the run reads."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config import parsers, policy_tables, profiles, waivers
from pytest_unicomp.config.parsers import served as served
from pytest_unicomp.config.policy_tables import SHARED
from pytest_unicomp.config.profiles import PROFILES as PROFILES
from pytest_unicomp.config.toml_lines import NOWHERE, Key, Keys, Origin
from pytest_unicomp.config.waivers import Waiver


def _option(default: Any, parse: Callable[[str, Any], Any], text: str, *, repeatable: bool = False, switch: bool = False) -> Any:
    return field(default=default, metadata={"parse": parse, "help": text, "repeatable": repeatable, "switch": switch})


@dataclass(frozen=True)
class Settings:
    """The resolved options of one run. Without a model the plugin is inert."""

    model: str | None = _option(None, parsers.text, "the reference: hub id, folder, or `nano`, the embedded model")
    recipe: tuple[str, ...] = _option(
        ("rtn-w8a16", "gptq-w4a16", "wanda-50"), parsers.names, "recipes that gate: comma list, `all`", repeatable=True
    )
    inform: tuple[str, ...] = _option((), parsers.names, "recipes that are measured and reported and never fail the run", repeatable=True)
    candidate: tuple[str, ...] = _option(
        (),
        parsers.texts,
        "compressed elsewhere: folder, hub id, or URL of an OpenAI-compatible server; gates like a recipe",
        repeatable=True,
    )
    reference: str = _option(
        "run",
        parsers.reference,
        "run: evaluate the reference; stored: take its evidence from the baselines; URL: where a server serves it already",
    )
    benchmark: tuple[str, ...] = _option(
        (),
        parsers.names,
        "benchmarks, or sets: nano, performance, reliability, trustllm, efficiency, paper, bundle (all that it holds)",
        repeatable=True,
    )
    profile: str = _option("standard", parsers.text, "smoke, standard, release or paper, or one that the configuration file defines")
    limit: int | None = _option(1000, parsers.limit, "items per benchmark, or `all`")
    sequential: bool = _option(
        False,
        parsers.switch,
        "stop a benchmark when its verdict is certain, where it is the capability's only one; takes no value",
        switch=True,
    )
    seed: int = _option(0, parsers.whole(0), "seed of item order, sampling and calibration")
    calibration: str = _option("generic", parsers.text, "mixture name, weights `generic=.5,reasoning=.5`, or FILE.jsonl")
    calibration_samples: int | None = _option(None, parsers.whole(1), "calibration texts per method; none: 128, for nano 80")
    calibration_tokens: int | None = _option(
        None, parsers.whole(2), "tokens per calibration text; none: 2048 or the model's context, for nano 256"
    )
    calibration_form: str = _option(
        "equal",
        parsers.choice("equal", "own"),
        "equal: every mixture fills texts of that length; own: texts as their source has them, cut there",
    )
    calibration_target: str | None = _option(
        None, parsers.text, "second mixture: pruned recipes are made with it too, and the paired gain per capability is reported"
    )
    margin: float | str = _option(
        0.03, parsers.margin, "largest loss per capability that is accepted: 0.03 (points), `5%` of the reference, or `1.2x errors` of it"
    )
    benchmark_margin: float | str = _option(
        0.05, parsers.margin, "largest loss per single benchmark that is accepted, written as for margin"
    )
    drift_margin: float = _option(0.02, parsers.fraction(0, 1), "largest change against the stored baseline that is accepted, in (0, 1)")
    alpha: float = _option(0.05, parsers.fraction(0, 0.5), "one-sided error level of every verdict, in (0, 0.5)")
    inconclusive: str = _option("fail", parsers.choice("fail", "warn"), "what an undecided capability does to the run: fail or warn")
    drift: str = _option("auto", parsers.choice("auto", "on", "off"), "compare with baselines: auto (where one exists), on, off")
    baselines: Path | None = _option(None, parsers.path, "folder of stored evidence; default ./baselines, read also from the package")
    update: str = _option(
        "none",
        parsers.choice("none", "missing", "changed", "all"),
        "baselines to write beside a missing one, which is written and fails once: none, missing, changed, all",
    )
    bundle: Path | None = _option(None, parsers.path, "offline folder in hub layout; nothing is fetched then")
    cache: Path | str | None = _option(
        None,
        parsers.folder_or_address,
        "store of artifacts and measurements: a folder, or an fsspec address (`s3://bucket/store`) that machines share; default the user's cache folder",
    )
    device: str = _option("auto", parsers.device, "auto, cpu, cuda, cuda:N; sharded: spread over all GPUs and host memory")
    dtype: str = _option("auto", parsers.choice("auto", "float32", "bfloat16", "float16"), "data type of evaluation")
    scoring: str = _option(
        "corrected",
        parsers.choice("corrected", "paper"),
        "how free replies are read and scores are put together: corrected, or as the paper does, faults included",
    )
    judge: str = _option("rules", parsers.text, "who judges free replies: rules (offline), classifier:MODEL (refusals) or server:URL")
    similarity: str = _option(
        "sentence-transformers/all-MiniLM-L6-v2", parsers.text, "sentence-embedding model that compares replies: hub id or folder"
    )
    response_length: int = _option(128, parsers.whole(1), "tokens of a free reply at most (TrustLLM sets)")
    temperature: str = _option(
        "0", parsers.temperature, "temperature of free replies (TrustLLM sets): 0 is greedy; paper: 0 or 1 as TrustLLM has it per file"
    )
    backend: str = _option("hf", parsers.choice("hf", "server"), "what evaluates: hf, in this process; server, what --unicomp-serve starts")
    serve: str | None = _option(
        None,
        parsers.text,
        "command that serves a model, from another environment perhaps: 'vllm serve {model} --port {port}'; implies backend server",
    )
    executor: str = _option(
        "local",
        parsers.choice("local", "process", "ray"),
        "where work is done: local, process (a fresh interpreter per job, one per device) or ray",
    )
    address: str | None = _option(None, parsers.text, "address of the Ray cluster; none: one is started on this machine")
    report: tuple[str, ...] = _option((), parsers.texts, "write the report here: .json, .html or .md", repeatable=True)
    recipes: Mapping[str, Any] = field(default_factory=dict)
    margins: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    must_pass: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    origin: Origin = field(default=NOWHERE, repr=False)
    # What the file gives by itself, under (), and in each of its profiles, chosen or not, under ("profiles", NAME).
    written: Mapping[Keys, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    # Where the entries of margins, limits and must-pass items that stand come from: their keys in the file.
    places: Mapping[Keys, Keys] = field(default_factory=dict, repr=False)

    def where(self, *keys: Key) -> str:
        """Say where something of the configuration file stands: "FILE:LINE: margins.reasoning"; also where it is a profile's."""
        return self.origin.where(*self.places.get(keys, keys))


RECIPES, WAIVERS, OWN_PROFILES = "recipes", "waivers", "profiles"
TABLES = {RECIPES: "recipes by name", **SHARED}
NOT_IN_PROFILES = ("model", "profile")


def options() -> tuple[Field[Any], ...]:
    """Return the declarations: name, default and metadata `parse`, `help`, `repeatable`, `switch` (a flag without a value).

    Tables (`recipes`, `margins`, `limits`, `must_pass`, `profiles`, `waivers`) can only be given in a file and have no flag.
    """
    return tuple(option for option in fields(Settings) if option.metadata)


def flag(name: str) -> str:
    """Return the flag of an option: `limit` -> `--unicomp-limit`."""
    return "--unicomp-" + name.replace("_", "-")


def destination(name: str) -> str:
    """Return the attribute under which pytest keeps the flag's value; prefixed, so that no other plugin collides."""
    return "unicomp_" + name


def read_file(path: Path, *, table: str = "") -> tuple[dict[str, Any], Origin]:
    """Read option values from a TOML file, at its top level or in a dotted `table`; raise UsageProblem naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        data: dict[str, Any] = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"unicomp: {path} cannot be read as TOML: {error}.") from error
    parts = table.split(".") if table else []
    for depth, part in enumerate(parts, start=1):
        data = data.get(part, {})
        if not isinstance(data, Mapping):
            raise UsageProblem(f"unicomp: {Origin(str(path), text).where(*parts[:depth])} is {data!r}; expected a table.")
    origin = Origin(str(path), text, table)
    _require_known(data, (*(option.name for option in options()), *TABLES, OWN_PROFILES, WAIVERS), origin)
    return data, origin


def _require_known(data: Mapping[str, Any], known: Iterable[str], origin: Origin, place: tuple[str, ...] = ()) -> None:
    known = tuple(known)
    for key in data:
        if key not in known:
            raise UsageProblem(f"unicomp: {origin.where(*place, key)}: no option named {key!r}.{nearest(key, known)}")


def configuration(named: Path | None, folders: Iterable[Path]) -> tuple[dict[str, Any], Origin]:
    """Return the values of the file that was named, else of the first unicomp.toml or [tool.unicomp] in `folders`, and where they are from."""
    if named is not None:
        return read_file(named)
    for folder in dict.fromkeys(folders):
        own, project = folder / "unicomp.toml", folder / "pyproject.toml"
        if own.is_file():
            return read_file(own)
        if project.is_file() and _concerns_us(project):
            return read_file(project, table="tool.unicomp")
    return {}, NOWHERE


def _concerns_us(project: Path) -> bool:
    """Say whether a pyproject.toml gives settings of ours, however it writes them, or names us and is broken, which is to be told."""
    try:
        raw = project.read_bytes()
        tool = tomllib.loads(raw.decode("utf-8")).get("tool", {}) if b"unicomp" in raw else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return True
    return not isinstance(tool, Mapping) or "unicomp" in tool


def resolve(flags: Mapping[str, Any], file: Mapping[str, Any] | None = None, *, origin: Origin = NOWHERE) -> Settings:
    """Merge flags over file over the profile's settings into Settings; raise UsageProblem for the first value that is wrong.

    A flag or key that is absent (or None, or an empty list from the command line) leaves the choice to the next place.
    """
    file = file or {}
    given = _read(file, origin)
    written: dict[Keys, Mapping[str, Any]] = {(): dict(given)}
    for option in options():
        value = flags.get(option.name)
        if value is not None and value != []:
            given[option.name] = option.metadata["parse"](flag(option.name), value)
    own = file.get(OWN_PROFILES, {})
    named = flag("profile") if flags.get("profile") else origin.where("profile")
    layers = profiles.layers(given.get("profile", Settings.profile), own, origin, named)
    allowed = [*(option.name for option in options() if option.name not in NOT_IN_PROFILES), *SHARED, profiles.BASE]
    # Also those that are not chosen: a policy that is wrong is to be told of before the night it is needed.
    for name, table in own.items():
        _require_known(table, allowed, origin, (OWN_PROFILES, name))
        written[OWN_PROFILES, name] = _read(table, origin, (OWN_PROFILES, name))
    chosen: dict[str, Any] = {}
    places: dict[Keys, Keys] = {}
    for layer, place in layers:
        chosen = _merged(chosen, written[place] if place else layer)
        places |= policy_tables.places(layer, place)
    if WAIVERS in file:
        given[WAIVERS] = waivers.read(file[WAIVERS], origin)
    chosen = _merged(chosen, given)
    settings = Settings(**chosen, origin=origin, written=written, places=places | policy_tables.places(file))
    return _completed(settings, chosen, given)


def _read(data: Mapping[str, Any], origin: Origin, place: Keys = ()) -> dict[str, Any]:
    """Parse the options and tables that a file, or a profile in it, gives."""
    found: dict[str, Any] = {}
    for option in options():
        if option.name in data:
            where = origin.where(*place, option.name) if origin.path else f"{option.name} in the configuration file"
            found[option.name] = option.metadata["parse"](where, data[option.name])
    if RECIPES in data:
        found[RECIPES] = policy_tables.required(data[RECIPES], origin.where(*place, RECIPES), TABLES[RECIPES])
    return {**found, **policy_tables.read(data, origin, place)}


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the second's settings over the first's; the tables of a policy are joined."""
    return {**first, **second, **policy_tables.joined(first, second)}


def _completed(settings: Settings, chosen: Mapping[str, Any], given: Mapping[str, Any]) -> Settings:
    """Settle what depends on other options; `given` by flags or file, `chosen` by profiles too."""
    if settings.candidate and "recipe" not in given:
        # Someone who hands over a checkpoint asks about that checkpoint, not about our own recipes.
        settings = replace(settings, recipe=())
    if settings.serve is not None and "backend" not in chosen:
        settings = replace(settings, backend="server")
    if settings.benchmark == ():
        settings = replace(settings, benchmark=("nano",) if settings.model == "nano" else ("performance", "efficiency"))
    if settings.drift == "auto" and ("baselines" in chosen or settings.update != "none"):
        # Whoever names a folder of baselines, or asks to write them, wants the comparison.
        settings = replace(settings, drift="on")
    return settings


def default_of(option: Field[Any]) -> Any:
    """Return the declared default, for help texts and tables."""
    return None if option.default is MISSING else option.default
