"""Runs one job in a separate process and writes its results to the store: `python -m pytest_unicomp.run.worker`."""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.checkpoints import model_config
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.run.executors.job import Event, Job, Key, failed
from pytest_unicomp.run.plan import plan
from pytest_unicomp.run.results import Results
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store import baselines as stored
from pytest_unicomp.store.shared import opened

Tell = Callable[[Event], None]


def perform(job: Job, tell: Tell) -> None:
    """Make every step of a job; a step that fails is reported and the next one is tried. What is in the store is not made again."""
    current: list[Key] = [job.steps[0]]

    def progress(working: Step) -> None:
        tell(Event(current[0], "started", working=working))

    results = open_results(job, progress)
    for step in job.steps:
        current[0] = step
        try:
            if step[0] == "artifact":
                results.artifact(job.recipe)
            else:
                results.measurement(job.recipe, str(step[2]))
        except UnicompError as error:
            tell(failed(step, error))
        else:
            tell(Event(step, "done"))


def open_results(job: Job, progress: StepProgress) -> Results:
    """Return results that work in this process on the job's store."""
    settings = job.settings
    evaluation = evaluation_of(settings)
    return Results(
        settings,
        plan(settings, evaluation, None if settings.model is None else model_config.find(settings.model, settings.bundle)),
        evaluation,
        store=opened(settings.cache),
        baselines=stored.Baselines(settings.baselines or Path("baselines"), stored.packaged()),
        progress=progress,
        detail=lambda _: None,
    )


def main() -> None:
    """Read one job from the first line of stdin, write its events as JSON lines; end when the driver is gone."""
    # Libraries print to stdout; events have it for themselves.
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = pickle.loads(base64.b64decode(sys.stdin.readline()))
    threading.Thread(target=_end_with_driver, daemon=True).start()

    def tell(event: Event) -> None:
        events.write(json.dumps(asdict(event)) + "\n")
        events.flush()

    perform(job, tell)


def _end_with_driver() -> None:
    # The driver holds the other end of stdin for as long as it lives.
    sys.stdin.read()
    os._exit(3)


if __name__ == "__main__":
    main()
