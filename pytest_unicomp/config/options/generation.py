"""Options for generation: arguments of the chat template, thoughts, the token limit, sampling, and replies per item."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.config import generation_values, parsers
from pytest_unicomp.config.option import option


@dataclass(frozen=True)
class Generation:
    """Options for every benchmark that generates text; a value that is not given leaves the choice to the benchmark."""

    template_arg: tuple[str, ...] = option(
        (),
        generation_values.template_arguments,
        "argument of the chat template, KEY=VALUE with VALUE as JSON or text: enable_thinking=true, reasoning_effort=high; repeatable",
        repeatable=True,
        shapes="measurement",
    )
    think_end_token: str | None = option(
        None,
        parsers.text,
        "text that ends the thoughts of a model; if not given, that of its template or tokenizer, such as </think>",
        shapes="measurement",
    )
    max_gen_toks: tuple[str, ...] = option(
        (),
        generation_values.limits,
        "most tokens of a reply: N, BENCHMARK=N, or model (as generation_config.json says); if not given, the benchmark's own",
        repeatable=True,
        shapes="measurement",
    )
    sampling: str = option(
        "benchmark",
        parsers.choice("benchmark", "model"),
        "how replies are sampled: benchmark (as it says, mostly greedily) or model (as its generation_config.json says)",
        shapes="measurement",
    )
    replies: int = option(
        1,
        parsers.whole(1),
        "sampled replies per item, whose scores are averaged; items stay the unit of the statistics",
        shapes="measurement",
    )
