"""Lists the candidates of a run: recipes to apply to the model, and checkpoints or servers made elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Kind, Method
from pytest_unicomp.api.records import Family
from pytest_unicomp.api.registry import Table, missing_libraries
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.methods import configured
from pytest_unicomp.methods.dense import Dense

# What takes calibration text to look at activations; distillation trains on its text, which is another question, and costs hours.
RETARGETED: Final[tuple[Family, ...]] = ("pruning", "quantization")
# The set of all recipes that can be made of the model.
EVERY_RECIPE = "all"


@dataclass(frozen=True)
class Candidate:
    """One thing to be judged: a recipe to make (`method`), or a checkpoint made elsewhere (`source`).

    `instead_of` names the recipe that this one differs from in nothing but its `calibration` text (None: that of the run).
    """

    name: str
    family: Family
    gates: bool
    source: str | None = None
    method: Method | None = None
    calibration: str | None = None
    instead_of: str | None = None

    @property
    def address(self) -> str | None:
        """Return the address at which the candidate is served already; None for one that has files here or will have."""
        return self.source if self.source is not None and served(self.source) else None

    @property
    def is_reference(self) -> bool:
        """Return True if nothing is made: the artifact is the reference itself."""
        return isinstance(self.method, Dense)

    @property
    def calibrated(self) -> bool:
        """Return True if making it takes calibration text."""
        return self.method is not None and self.method.calibrated

    def takes(self, kind: Kind, *, served_reference: bool) -> bool:
        """Return True if a kind of benchmark applies to it.

        Of a served model there are no files, and its timings need a reference that is served too, and prompts of a known length, which chat endpoints
        do not take; calibration text changes neither size nor speed.
        """
        if kind in ("items", "kernel"):
            return kind == "items"
        if self.address is not None:
            return kind == "latency" and served_reference and not Endpoint.parse(self.address).chat
        return self.instead_of is None


def _recipes(names: Sequence[str], table: Table[Method], makeable: Collection[str]) -> list[str]:
    chosen = [one for name in names for one in (makeable if name == EVERY_RECIPE else [name])]
    for name in chosen:
        missing = missing_libraries(table[name].requires)
        if missing:
            raise UsageProblem(
                f"unicomp: recipe {name!r} needs {', '.join(missing)}, which is not installed here; pip install {' '.join(missing)}."
            )
    return list(dict.fromkeys(chosen))


def not_makeable(settings: Settings, config: Mapping[str, Any] | None) -> dict[str, str]:
    """Return, if `all` recipes are requested, those that cannot be applied to a model with this config.json on this machine, each with the reason.

    If `config` is None (unknown), only missing libraries count.
    """
    if EVERY_RECIPE not in (*settings.recipe, *settings.inform):
        return {}
    table = configured.table(settings.recipes, settings.locations)
    found = {name: _why_not(method, config) for name, method in table.items()}
    return {name: reason for name, reason in found.items() if reason is not None}


def _why_not(method: Method, config: Mapping[str, Any] | None) -> str | None:
    missing = missing_libraries(method.requires)
    if missing:
        return f"needs {', '.join(missing)}, which is not installed here"
    return None if config is None else method.refusal(config)


def omitted(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line on the recipes that `all` leaves out, those with one reason together; none if there are none."""
    if not reasons:
        return ()
    alike: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        alike.setdefault(reason, []).append(name)
    phrases = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in alike.items())
    return (f"left out of `{EVERY_RECIPE}`, {len(reasons)} recipe{'s' if len(reasons) > 1 else ''}: {phrases}",)


def candidates(settings: Settings, left_out: Collection[str] = ()) -> tuple[Candidate, ...]:
    """List the candidates, gating ones first. A recipe named as gating and informing gates; `all` selects every recipe except `left_out`.

    Raises UsageProblem for an unknown recipe, a missing library, and if there is no candidate."""
    table = configured.table(settings.recipes, settings.locations)
    makeable = [name for name in table if name not in left_out]
    gating = _recipes(settings.recipe, table, makeable)
    informing = [name for name in _recipes(settings.inform, table, makeable) if name not in gating]
    found = [Candidate(name, table[name].family, True, method=table[name]) for name in gating]
    for source in settings.candidate:
        name, unmistakable = candidate_names(source)
        taken = {*table, *(other.name for other in found)}
        found.append(Candidate(name if name not in taken else unmistakable, "candidate", True, source))
    found += [Candidate(name, table[name].family, False, method=table[name]) for name in informing]
    if settings.calibration_target is not None:
        found += _retargeted(found, settings.calibration_target)
    if not found:
        raise UsageProblem("unicomp: nothing to judge: give --unicomp-recipe, --unicomp-inform or --unicomp-candidate.")
    return tuple(found)


def candidate_names(source: str) -> tuple[str, str]:
    """Return the name of a checkpoint or server made elsewhere, and the one that it has if the first is taken."""
    return Endpoint.parse(source).name if served(source) else Path(source).name or source, f"candidate:{source}"


def _retargeted(found: Sequence[Candidate], target: str) -> list[Candidate]:
    """List the pruned and quantized recipes that take calibration text once more, to be made with the target's text; they inform."""
    again = [candidate for candidate in found if candidate.family in RETARGETED and candidate.calibrated]
    if not again:
        raise UsageProblem(
            f"unicomp: --unicomp-calibration-target={target} is for pruned and quantized recipes with calibration text, and this run has none; "
            "give --unicomp-recipe=wanda-50, for example."
        )
    return [
        replace(candidate, name=f"{candidate.name}@{target}", gates=False, calibration=target, instead_of=candidate.name)
        for candidate in again
    ]
