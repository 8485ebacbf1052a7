"""Every option, declared once: a field of `Settings` is the flag `--unicomp-x-y`, the key `x_y` in a file, and what the run reads."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pytest_unicomp.errors import UsageProblem, nearest
from pytest_unicomp.margins import Margin


def _names(where: str, value: Any) -> tuple[str, ...]:
    """Read a comma list, or a list of comma lists, into distinct names in their order."""
    parts = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected names, for example 'gptq-w4a16,wanda-50'.")
    return tuple(dict.fromkeys(name.strip() for part in parts for name in part.split(",") if name.strip()))


def _texts(where: str, value: Any) -> tuple[str, ...]:
    """Read one text or a list of texts (paths and addresses may hold commas)."""
    parts = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(part, str) and part.strip() for part in parts):
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected a text or a list of texts, none empty.")
    return tuple(dict.fromkeys(parts))


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected a text that is not empty.")
    return value.strip()


def _path(where: str, value: Any) -> Path:
    return Path(_text(where, value)).expanduser()


def _whole(lowest: int) -> Callable[[str, Any], int]:
    def parse(where: str, value: Any) -> int:
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if not isinstance(number, int) or isinstance(number, bool) or number < lowest:
            raise UsageProblem(f"unicomp: {where} is {value!r}; expected a whole number of at least {lowest}.")
        return number

    return parse


def _limit(where: str, value: Any) -> int | None:
    return None if value == "all" else _whole(1)(where, value)


def _fraction(low: float, high: float) -> Callable[[str, Any], float]:
    def parse(where: str, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not low < number < high:
            raise UsageProblem(f"unicomp: {where} is {value!r}; expected a number above {low} and below {high}.")
        return number

    return parse


def _margin(where: str, value: Any) -> float | str:
    """Read a number in (0, 1), a share of the reference `5%`, or a multiple of its errors `1.2x errors`."""
    margin = Margin.of(value, where)
    if margin.kind == "absolute":
        _fraction(0, 1)(where, value)
    return margin.setting


def _choice(*choices: str) -> Callable[[str, Any], str]:
    def parse(where: str, value: Any) -> str:
        if value not in choices:
            raise UsageProblem(f"unicomp: {where} is {value!r}; expected one of {', '.join(choices)}.{nearest(str(value), choices)}")
        return str(value)

    return parse


def _device(where: str, value: Any) -> str:
    kind, _, number = str(value).partition(":")
    if kind not in ("auto", "cpu", "cuda", "sharded") or (number and (kind != "cuda" or not number.isdigit())):
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected auto, cpu, cuda, cuda:N or sharded.")
    return str(value)


def _temperature(where: str, value: Any) -> str:
    """Read "paper", or a number in [0, 5]; kept as text, so that one word serves both."""
    if value == "paper":
        return "paper"
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= 5:
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected paper, or a number from 0 (greedy) to 5.")
    return f"{number:g}"


def _switch(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected true or false.")
    return value


def _reference(where: str, value: Any) -> str:
    return str(value) if served(str(value)) else _choice("run", "stored", "http://HOST:PORT/v1")(where, value)


def served(name: str) -> bool:
    """Say whether a name is the address of a server."""
    return name.lower().startswith(("http://", "https://"))


def _option(default: Any, parse: Callable[[str, Any], Any], text: str, *, repeatable: bool = False, switch: bool = False) -> Any:
    return field(default=default, metadata={"parse": parse, "help": text, "repeatable": repeatable, "switch": switch})


@dataclass(frozen=True)
class Settings:
    """The resolved options of one run. Without a model the plugin is inert."""

    model: str | None = _option(None, _text, "the reference: hub id, folder, or `nano`, the embedded model")
    recipe: tuple[str, ...] = _option(
        ("rtn-w8a16", "gptq-w4a16", "wanda-50"), _names, "recipes that gate: comma list, `all`", repeatable=True
    )
    inform: tuple[str, ...] = _option((), _names, "recipes that are measured and reported and never fail the run", repeatable=True)
    candidate: tuple[str, ...] = _option(
        (), _texts, "compressed elsewhere: folder, hub id, or URL of an OpenAI-compatible server; gates like a recipe", repeatable=True
    )
    reference: str = _option(
        "run",
        _reference,
        "run: evaluate the reference; stored: take its evidence from the baselines; URL: where a server serves it already",
    )
    benchmark: tuple[str, ...] = _option(
        (), _names, "benchmarks, or sets: nano, performance, reliability, efficiency, paper", repeatable=True
    )
    profile: str = _option("standard", lambda where, value: _choice(*PROFILES)(where, value), "smoke, standard or release")
    limit: int | None = _option(1000, _limit, "items per benchmark, or `all`")
    sequential: bool = _option(
        False, _switch, "stop a benchmark when its verdict is certain, where it is the capability's only one; takes no value", switch=True
    )
    seed: int = _option(0, _whole(0), "seed of item order, sampling and calibration")
    calibration: str = _option("generic", _text, "mixture name, weights `generic=.5,reasoning=.5`, or FILE.jsonl")
    calibration_samples: int | None = _option(None, _whole(1), "calibration texts per method; none: 128, for nano 80")
    calibration_tokens: int | None = _option(
        None, _whole(2), "tokens per calibration text; none: 2048 or the model's context, for nano 256"
    )
    calibration_form: str = _option(
        "equal", _choice("equal", "own"), "equal: every mixture fills texts of that length; own: texts as their source has them, cut there"
    )
    calibration_target: str | None = _option(
        None, _text, "second mixture: pruned recipes are made with it too, and the paired gain per capability is reported"
    )
    margin: float | str = _option(
        0.03, _margin, "largest loss per capability that is accepted: 0.03 (points), `5%` of the reference, or `1.2x errors` of it"
    )
    benchmark_margin: float | str = _option(0.05, _margin, "largest loss per single benchmark that is accepted, written as for margin")
    drift_margin: float = _option(0.02, _fraction(0, 1), "largest change against the stored baseline that is accepted, in (0, 1)")
    alpha: float = _option(0.05, _fraction(0, 0.5), "one-sided error level of every verdict, in (0, 0.5)")
    inconclusive: str = _option("fail", _choice("fail", "warn"), "what an undecided capability does to the run: fail or warn")
    drift: str = _option("auto", _choice("auto", "on", "off"), "compare with baselines: auto (where one exists), on, off")
    baselines: Path | None = _option(None, _path, "folder of stored evidence; default ./baselines, read also from the package")
    update: str = _option(
        "none",
        _choice("none", "missing", "changed", "all"),
        "baselines to write beside a missing one, which is written and fails once: none, missing, changed, all",
    )
    bundle: Path | None = _option(None, _path, "offline folder in hub layout; nothing is fetched then")
    cache: Path | None = _option(None, _path, "store of artifacts and measurements; default the user's cache folder")
    device: str = _option("auto", _device, "auto, cpu, cuda, cuda:N; sharded: spread over all GPUs and host memory")
    dtype: str = _option("auto", _choice("auto", "float32", "bfloat16", "float16"), "data type of evaluation")
    scoring: str = _option(
        "corrected",
        _choice("corrected", "paper"),
        "how free replies are read and scores are put together: corrected, or as the paper does, faults included",
    )
    judge: str = _option("rules", _text, "who judges free replies: rules (offline), classifier:MODEL (refusals) or server:URL")
    similarity: str = _option(
        "sentence-transformers/all-MiniLM-L6-v2", _text, "sentence-embedding model that compares replies: hub id or folder"
    )
    response_length: int = _option(128, _whole(1), "tokens of a free reply at most (TrustLLM sets)")
    temperature: str = _option(
        "0", _temperature, "temperature of free replies (TrustLLM sets): 0 is greedy; paper: 0 or 1 as TrustLLM has it per file"
    )
    backend: str = _option("hf", _choice("hf", "server"), "what evaluates: hf, in this process; server, what --unicomp-serve starts")
    serve: str | None = _option(
        None,
        _text,
        "command that serves a model, from another environment perhaps: 'vllm serve {model} --port {port}'; implies backend server",
    )
    executor: str = _option(
        "local",
        _choice("local", "process", "ray"),
        "where work is done: local, process (a fresh interpreter per job, one per device) or ray",
    )
    address: str | None = _option(None, _text, "address of the Ray cluster; none: one is started on this machine")
    report: tuple[str, ...] = _option((), _texts, "write the report here: .json, .html or .md", repeatable=True)
    recipes: Mapping[str, Any] = field(default_factory=dict)
    margins: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)


RECIPES = "recipes"
TABLES = {
    RECIPES: "recipes by name",
    "margins": "margins by the name of a capability, benchmark, metric or recipe",
    "limits": "largest ratios to the reference by the name of an efficiency benchmark",
}
PROFILES: Mapping[str, Mapping[str, Any]] = {
    "smoke": {"recipe": ("rtn-w8a16", "gptq-w4a16"), "limit": 300, "margin": 0.05, "inconclusive": "warn"},
    "standard": {"limit": 1000, "margin": 0.03},
    "release": {"limit": None, "margin": 0.02, "drift": "on"},
}


def options() -> tuple[Field[Any], ...]:
    """Return the declarations: name, default and metadata `parse`, `help`, `repeatable`, `switch` (a flag without a value).

    `recipes`, `margins` and `limits`, tables, can only be given in a file and have no flag.
    """
    return tuple(option for option in fields(Settings) if option.metadata)


def flag(name: str) -> str:
    """Return the flag of an option: `limit` -> `--unicomp-limit`."""
    return "--unicomp-" + name.replace("_", "-")


def destination(name: str) -> str:
    """Return the attribute under which pytest keeps the flag's value; prefixed, so that no other plugin collides."""
    return "unicomp_" + name


def read_file(path: Path, *, table: str | None = None) -> dict[str, Any]:
    """Read option values from a TOML file, at its top level or in a dotted `table`; raise UsageProblem naming file and line or key."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"unicomp: {path} cannot be read as TOML: {error}.") from error
    for part in table.split(".") if table else []:
        data = data.get(part, {})
    known = [*(option.name for option in options()), *TABLES]
    for key in data:
        if key not in known:
            raise UsageProblem(f"unicomp: {path}: no option named {key!r}.{nearest(key, known)}")
    return data


def configuration(named: Path | None, folders: Iterable[Path]) -> tuple[dict[str, Any], str]:
    """Return the values of the file that was named, else of the first unicomp.toml or [tool.unicomp] in `folders`, and where they are from."""
    if named is not None:
        return read_file(named), str(named)
    for folder in dict.fromkeys(folders):
        own, project = folder / "unicomp.toml", folder / "pyproject.toml"
        if own.is_file():
            return read_file(own), str(own)
        if project.is_file() and b"[tool.unicomp" in project.read_bytes():
            return read_file(project, table="tool.unicomp"), str(project)
    return {}, ""


def resolve(flags: Mapping[str, Any], file: Mapping[str, Any] | None = None, *, source: str = "the configuration file") -> Settings:
    """Merge flags over file over the profile's defaults into Settings; raise UsageProblem for the first value that is wrong.

    A flag or key that is absent (or None, or an empty list from the command line) leaves the choice to the next place.
    """
    given: dict[str, Any] = {}
    file = file or {}
    for option in options():
        parse = option.metadata["parse"]
        value = flags.get(option.name)
        if value is not None and value != []:
            given[option.name] = parse(flag(option.name), value)
        elif option.name in file:
            given[option.name] = parse(f"{option.name} in {source}", file[option.name])
    for name, what in TABLES.items():
        if not isinstance(defined := file.get(name, {}), Mapping):
            raise UsageProblem(f"unicomp: {name} in {source} is {defined!r}; expected a table of {what}.")
        given[name] = defined
    profile = given.get("profile", Settings.profile)
    settings = Settings(**{**PROFILES[profile], **given})
    if settings.candidate and "recipe" not in given:
        # Someone who hands over a checkpoint asks about that checkpoint, not about our own recipes.
        settings = replace(settings, recipe=())
    if settings.serve is not None and "backend" not in given:
        settings = replace(settings, backend="server")
    if settings.benchmark == ():
        settings = replace(settings, benchmark=("nano",) if settings.model == "nano" else ("performance", "efficiency"))
    if settings.drift == "auto" and ("baselines" in given or settings.update != "none"):
        # Whoever names a folder of baselines, or asks to write them, wants the comparison.
        settings = replace(settings, drift="on")
    return settings


def default_of(option: Field[Any]) -> Any:
    """Return the declared default, for help texts and tables."""
    return None if option.default is MISSING else option.default
