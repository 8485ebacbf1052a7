"""Measures one cell of the study and keeps it: the score with its items as a baseline, and what making the recipe took."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.study import gold, made
from benchmarks.study.made import Made
from benchmarks.study.protocol import DENSE, MODEL, SAMPLES, TOKENS, StudyCell, cells
from benchmarks.study.published import PUBLISHED
from pytest_unicomp.api.errors import MissingPiece, UnicompError, UsageProblem
from pytest_unicomp.api.records import Artifact, Measurement
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host.host import device_name
from pytest_unicomp.run.run import Run
from pytest_unicomp.store.baselines import Baselines


@dataclass(frozen=True)
class Place:
    """Where the study reads and writes: folder of evidence, offline data (None: the hub) and store of artifacts (None: the user's cache); of which model."""

    folder: Path
    bundle: Path | None = None
    cache: Path | None = None
    model: str = MODEL

    @property
    def baselines(self) -> Baselines:
        """Return the baselines of the study alone."""
        return Baselines(self.folder, self.folder)

    @property
    def options(self) -> dict[str, str]:
        """Return the options of a run that reads and writes here."""
        named = {"bundle": self.bundle, "cache": self.cache}
        return {name: str(path) for name, path in named.items() if path is not None}

    @cached_property
    def benchmarks(self) -> tuple[str, ...]:
        """Return the benchmarks of the study whose data are there."""
        names = dict.fromkeys(cell.benchmark for cell in cells())
        without = lacking(names, self)
        return tuple(name for name in names if name not in without)

    @property
    def recipes(self) -> Path:
        """Return the file with what making each recipe took."""
        return made.file_in(self.folder, self.model)

    def has(self, cell: StudyCell) -> bool:
        """Return True if the cell is stored with the protocol's items, or its recipe was refused; raise InfrastructureError for damaged evidence."""
        refused = made.read(self.recipes).get(cell.name)
        if refused is not None and refused.refused:
            return True
        stored = self.baselines.read(self.model, cell.name, cell.benchmark)
        return stored is not None and stored.conditions.limit == cell.items


def settings(cell: StudyCell, place: Place) -> Settings:
    """Return the options of the run that measures a cell; none is read from a configuration file."""
    return resolve(
        {
            "model": place.model,
            "recipe": cell.recipe,
            # All of them: what calibration text must not give away is the same for every cell, so all cells of a recipe are of the same weights.
            "benchmark": ",".join(dict.fromkeys((cell.benchmark, *place.benchmarks))),
            "limit": str(cell.items),
            "calibration": cell.calibration,
            "calibration_samples": str(SAMPLES),
            "calibration_tokens": str(TOKENS),
            **place.options,
        }
    )


def lacking(names: Iterable[str], place: Place) -> dict[str, str]:
    """Return, for each of these benchmarks whose data the bundle lacks, what it lacks and where that was looked for; nothing is loaded."""
    evaluation = evaluation_of(resolve({"model": place.model, **place.options}))
    found = {}
    for name in dict.fromkeys(names):
        try:
            benchmarks()[name].validate(evaluation)
        except MissingPiece as problem:
            found[name] = f"the bundle lacks {problem.what}, expected at {problem.where}"
    return found


def measure(cell: StudyCell, place: Place) -> str:
    """Measure a cell, keep it, and return a line on it.

    A recipe that cannot be made of the model is kept as refused; whatever else fails is only said, so that it is tried again. Raises UsageProblem
    if not even the reference can be measured on the benchmark, because the model is not installed for example.
    """
    try:
        run = Run(settings(cell, place), detail=_say)
    except UsageProblem as problem:
        # The same cell of the reference tells whose fault it is.
        Run(settings(replace(cell, recipe=DENSE), place)).close()
        made.keep(_made(cell, refused=problem.detail), place.recipes)
        return f"{cell.name}: refused: {problem.detail}"
    with closing(run):
        try:
            artifact = run.artifact(cell.recipe)
            _keep_artifact(cell, artifact, place)
            found = run.measurement(cell.recipe, cell.benchmark)
        except UnicompError as error:
            return f"{cell.name} on {cell.benchmark}: not measured: {error.detail}"
    place.baselines.write(place.model, cell.name, found)
    _keep_right_options(cell, found, place)
    return _line(cell, found)


def _keep_artifact(cell: StudyCell, artifact: Artifact, place: Place) -> None:
    """Keep what making the recipe took, unless these weights are known already."""
    known = made.read(place.recipes).get(cell.name)
    if known is None or known.artifact is None or known.artifact.fingerprint != artifact.fingerprint:
        made.keep(_made(cell, artifact), place.recipes)


def _keep_right_options(cell: StudyCell, found: Measurement, place: Place) -> None:
    """Keep what a published score of another metric is counted with; the right options do not depend on the recipe."""
    benchmark = benchmarks()[cell.benchmark]
    wanted = any(figure.benchmark == cell.benchmark and figure.metric != found.metric for figure in PUBLISHED)
    if cell.recipe == DENSE and wanted and isinstance(benchmark, LmEvalTask):
        gold.keep(benchmark, found.items, place.bundle, gold.file_in(place.folder, place.model, cell.benchmark))


def _made(cell: StudyCell, artifact: Artifact | None = None, *, refused: str = "") -> Made:
    kept = (
        None if artifact is None else artifact.model_copy(update={"recipe": cell.name, "path": "", "settings": _without_folder(artifact)})
    )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Made(recipe=cell.name, artifact=kept, refused=refused, machine=device_name("cpu"), load=os.getloadavg()[0], created=now)


def _without_folder(artifact: Artifact) -> dict[str, Any]:
    """Return the settings, with the name alone of the file that the weights came from: its folder is of this machine."""
    original = artifact.settings.get("original")
    return artifact.settings if original is None else {**artifact.settings, "original": {**original, "path": Path(original["path"]).name}}


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _line(cell: StudyCell, found: Measurement) -> str:
    value = "no score" if found.value is None else f"{found.value:.3f}"
    return f"{cell.name} on {cell.benchmark}: {value}, {found.n} items, {found.seconds:.0f} s"
