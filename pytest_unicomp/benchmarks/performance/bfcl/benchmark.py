"""BFCL's syntax-tree part: is the right function called with the right arguments (Patil et al. 2025, ICML; single turns of Python)?

A row: {"id": "simple_0", "question": [[{"role": "user", "content": "Find the area of a triangle with a base of 10 units ..."}]], "function": [{"name":
"calculate_triangle_area", "parameters": {"type": "dict", "properties": {"base": {"type": "integer", ...}, ...}, "required": ["base", "height"]}}]}; its
possible answers: {"id": "simple_0", "ground_truth": [{"calculate_triangle_area": {"base": [10], "height": [5], "unit": ["units", ""]}}]}.

Functions are put as text and calls are told in Python's syntax, which BFCL names prompting; nothing is executed. In `bfcl_irrelevance` no function serves
the request, and a reply without a call is right: a model that says nothing useful is right there too, so read it beside the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pytest_unicomp.api.benchmark import Evaluation, ItemTokens, Piece
from pytest_unicomp.benchmarks.performance.bfcl.calls import calls
from pytest_unicomp.benchmarks.performance.bfcl.matching import Answer, Function, right
from pytest_unicomp.benchmarks.performance.bfcl.rows import DATASET, names, require, rows
from pytest_unicomp.benchmarks.replies import Prompt, ReplyBenchmark, greedy

ASKED: Final = """You can call these functions:
{functions}

Answer the request with the calls that it needs and with nothing else, in Python's syntax and with every argument named:
[name(argument=value), ...]
If no function serves the request, or if it lacks an argument that is required, say so and call none.

Request: {text}"""


@dataclass(frozen=True)
class CallPrompt(Prompt):
    """One item, with the functions that may be called and the possible answers, one for each call."""

    functions: tuple[Function, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FunctionCalls(ReplyBenchmark):
    """The rows of one of BFCL's categories; in one that is not `answered`, a reply is right if it calls nothing."""

    category: str
    answered: bool = True
    tokens: int = 512
    capability: str = "tool_use"
    metric: str = "correct"
    chance: float | None = 0.0
    dataset: str = DATASET
    sets: tuple[str, ...] = ("structured",)

    @property
    def files(self) -> tuple[str, ...]:
        """Return the files that are read, relative to the data set."""
        return names(self.category, answered=self.answered)

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "generated calls, against possible answers" if self.answered else "generated reply, without a call"

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the bundle lacks a file, or if one of its lines is none of BFCL's."""
        require(self.files, evaluation.bundle)
        if evaluation.bundle is not None:
            super().validate(evaluation)

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the digest of the prompts, or the hub's names of their files if there is no bundle: nothing is fetched; and how replies are generated."""
        if evaluation.bundle is not None:
            return super().identity(evaluation)
        return {"dataset": [f"hub:{DATASET}/{file}" for file in self.files], "metric": self.metric, "generation": greedy(self.tokens)}

    def prompts(self, evaluation: Evaluation) -> Iterator[Prompt]:
        """Yield every row."""
        for row in rows(self.files, evaluation.bundle):
            functions = "\n".join(json.dumps(one, ensure_ascii=False) for one in row.functions)
            yield CallPrompt(
                row.id,
                ASKED.format(functions=functions, text=row.text),
                target=json.dumps(row.answers, ensure_ascii=False) if row.answers else "no call",
                functions=row.functions,
                answers=row.answers,
            )

    def grade(self, prompt: Prompt, reply: str) -> float:
        """Return 1.0 for the right calls, 0.0 for others."""
        if not isinstance(prompt, CallPrompt):
            raise TypeError(f"expected a prompt with functions; found {type(prompt).__name__}")
        found = calls(reply)
        return float(right(found or [], prompt.functions, prompt.answers))

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return a request with two functions, and one call for it."""
        return ItemTokens(400.0, 60.0)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the files of the category."""
        return (Piece("dataset", DATASET, self.files),)


def _category(category: str, items: int, *, answered: bool = True) -> FunctionCalls:
    return FunctionCalls(category=category, items=items, answered=answered, source=f"BFCL v3, {category}; Patil et al. 2025")


BENCHMARKS = {
    "bfcl_simple": _category("simple", 400),
    "bfcl_multiple": _category("multiple", 200),
    "bfcl_parallel": _category("parallel", 200),
    "bfcl_parallel_multiple": _category("parallel_multiple", 200),
    "bfcl_irrelevance": _category("irrelevance", 240, answered=False),
}
