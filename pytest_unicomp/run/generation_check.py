"""Validates the options for generation before anything runs: what a backend, a template or a model cannot do is refused in one line."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.protocols import ItemBenchmark
from pytest_unicomp.checkpoints import gguf, hub
from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.tokenizer import chat_templates
from pytest_unicomp.config.backend import LmEvalBackend
from pytest_unicomp.config.evaluated_by import evaluated_by
from pytest_unicomp.config.generation_values import MODEL, as_arguments, limit_of, limited_benchmarks
from pytest_unicomp.config.option import Option
from pytest_unicomp.config.options.generation import Generation
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings, flag, options
from pytest_unicomp.engine.reply_settings import generation_config, stated_limit, stated_sampling
from pytest_unicomp.run.plan import Plan


def validate(settings: Settings, planned: Plan) -> None:
    """Raise UsageProblem for the first option for generation that would have no effect, or that a model or backend of this run cannot follow."""
    _require_backends(settings, planned)
    _require_benchmarks(settings, planned)
    if settings.replies > 1 and settings.sampling == "benchmark" and settings.temperature == "0":
        raise UsageProblem(
            f"unicomp: {flag('replies')}={settings.replies} asks for several replies per item, and greedy ones are all the same; "
            f"add {flag('sampling')}=model, or {flag('temperature')} for sets of free replies."
        )
    for name in (settings.model, *settings.candidate):
        folder = None if name is None or served(name) else _folder(name, settings)
        if name is not None and folder is not None:
            _require_template(settings, name, folder)
            _require_generation_config(settings, planned, name, folder)


def _given(settings: Settings) -> list[Option]:
    """Return the options for generation that are not the default."""
    own = Generation.__dataclass_fields__
    return [option for option in options(type(settings)) if option.name in own and getattr(settings, option.name) != option.default]


def _require_backends(settings: Settings, planned: Plan) -> None:
    given = _given(settings)
    for name in (None, *(candidate.name for candidate in planned.candidates)) if given else ():
        by = evaluated_by(settings, name)
        if LmEvalBackend.of(by.backend) is not None:
            raise UsageProblem(
                f"unicomp: {flag(given[0].name)} is for the backends hf and server; {by.origin} is {by.backend}, a class of lm-eval that generates "
                "by its own arguments: leave it out, or give another backend."
            )


def _require_benchmarks(settings: Settings, planned: Plan) -> None:
    for name in limited_benchmarks(settings.max_gen_toks):
        if name not in planned.benchmarks:
            raise UsageProblem(
                f"unicomp: {flag('max_gen_toks')} has a limit for {name}, which this run does not measure.{nearest(name, planned.benchmarks)}"
            )
        benchmark = planned.table[name]
        if not isinstance(benchmark, ItemBenchmark) or benchmark.reads_likelihoods:
            raise UsageProblem(f"unicomp: {flag('max_gen_toks')} has a limit for {name}, which generates no text: leave it out.")


def _folder(name: str, settings: Settings) -> Path | None:
    """Return the folder of a checkpoint that is on this machine; None if it is not, or is a GGUF file, which is unpacked first."""
    found = hub.local(name, settings.bundle)
    return found if found is not None and found.is_dir() and not gguf.is_gguf(str(found)) else None


def _require_template(settings: Settings, name: str, folder: Path) -> None:
    templates = dict(chat_templates(Checkpoint(folder)))
    for key in as_arguments(settings.template_arg):
        if not templates:
            raise UsageProblem(f"unicomp: {flag('template_arg')} gives {key}, and {name} has no chat template.")
        if not any(re.search(rf"\b{key}\b", template) for template in templates.values()):
            raise UsageProblem(
                f"unicomp: {flag('template_arg')} gives {key}, which the chat template of {name} does not read, so it would have no effect."
            )


def _require_generation_config(settings: Settings, planned: Plan, name: str, folder: Path) -> None:
    stated = generation_config(folder)
    if settings.sampling == "model" and stated_sampling(stated) is None:
        raise UsageProblem(
            f"unicomp: {flag('sampling')}=model, and {name} states no sampling in its generation_config.json (do_sample with temperature); "
            "leave it out."
        )
    asks = any(MODEL in limit_of(settings.max_gen_toks, benchmark) for benchmark in planned.benchmarks)
    if asks and stated_limit(stated) is None:
        raise UsageProblem(
            f"unicomp: {flag('max_gen_toks')}=model, and {name} states no max_new_tokens in its generation_config.json; give a number of tokens."
        )
