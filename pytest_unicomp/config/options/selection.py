"""Options that select models, recipes, checkpoints and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import option


@dataclass(frozen=True)
class Selection:
    """Options that select models, recipes, checkpoints and benchmarks."""

    model: str | None = option(None, parsers.text, "reference model: hub id, folder, `nano` (embedded) or `smollm2` (of a package)")
    recipe: tuple[str, ...] = option(
        ("rtn-w8a16", "gptq-w4a16"),
        parsers.names,
        "recipes that gate: comma-separated names, or `all` (those that can be made of the model)",
        repeatable=True,
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
        parsers.benchmarks,
        "benchmarks or sets: nano, nano-default, performance, reliability, trustllm, efficiency, paper, "
        "thinking, told, long-context, long-context-4k, structured, code, bundle (everything that the bundle holds), or lm-eval:TASK",
        repeatable=True,
    )
    trust_task: tuple[str, ...] = option(
        (), parsers.texts, "YAML file of an lm-eval task of your own that may run its code (functions, templates)", repeatable=True
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
