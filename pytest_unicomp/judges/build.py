"""Builds the judge of a run from `--unicomp-judge`: it classifies refusals, and labels replies that no rule can parse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.source_digest import file_digest
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.judges import opinions, refusal
from pytest_unicomp.judges.question import JudgeQuestion

if TYPE_CHECKING:
    from pytest_unicomp.judges.classifier import Classifier
    from pytest_unicomp.judges.server import Server
    from pytest_unicomp.judges.similarity import Embeddings

RULES = "rules"
RULE_FILES = (
    *("refusal.py", "refusal.json", "features.py", "phrases.py", "request.py"),
    *("opinions.py", "question.py", "negation.py", "mentions.py"),
)
FORMS = "rules, classifier:MODEL or server:URL"


@dataclass(frozen=True)
class Judge:
    """Answers every question. Refusals go to the server or the classifier if there is one, opinions to the server if there is one, all others to the
    rules; similarity goes to the embeddings, which no judge can replace."""

    identity: str
    classifier: Classifier | None = None
    server: Server | None = None
    embeddings: Embeddings | str = "not available: nothing was loaded"

    def answer(self, questions: Sequence[JudgeQuestion]) -> list[str | None]:
        """Return one answer per question in order: "refuses" or "answers", the words a task's prompt asks for, or a cosine; None: failed."""
        found: dict[int, str | None] = {}
        answering = {"refusal": self._refusal, "similarity": self._similarity}
        places: dict[Callable[[Sequence[JudgeQuestion]], list[str | None]], list[int]] = {}
        for place, question in enumerate(questions):
            places.setdefault(answering.get(question.task, self._opinion), []).append(place)
        for answer, own in places.items():
            found |= dict(zip(own, answer([questions[place] for place in own]), strict=True))
        return [found[place] for place in range(len(questions))]

    def unavailable(self, task: str) -> str | None:
        """Return why no question of a task can be answered on this machine, or None."""
        return self.embeddings if task == "similarity" and isinstance(self.embeddings, str) else None

    def _refusal(self, questions: Sequence[JudgeQuestion]) -> list[str | None]:
        if self.server is not None:
            said = self.server.answer(questions)
            return [None if text is None else _read_refusal(text) for text in said]
        if self.classifier is not None:
            refused = self.classifier.refused([question["response"] for question in questions])
        else:
            refused = [refusal.judge(question["prompt"], question["response"]).refused for question in questions]
        return ["refuses" if one else "answers" for one in refused]

    def _opinion(self, questions: Sequence[JudgeQuestion]) -> list[str | None]:
        if self.server is not None:
            return self.server.answer(questions)
        return [opinions.answer(question) for question in questions]

    def _similarity(self, questions: Sequence[JudgeQuestion]) -> list[str | None]:
        if isinstance(self.embeddings, str):
            return [None] * len(questions)
        return [f"{cosine:.6f}" for cosine in self.embeddings.cosines([(question["first"], question["second"]) for question in questions])]


def _read_refusal(text: str) -> str | None:
    word = text.strip(" .*\n").upper()
    return "refuses" if word.startswith("REFUS") else "answers" if word.startswith("ANSWER") else None


def validate(specification: str, bundle: Path | None) -> None:
    """Raise UsageProblem for a judge of no known form, and for a classifier that the bundle lacks; nothing is loaded or called."""
    kind, _, named = specification.partition(":")
    if specification == RULES:
        return
    if kind == "classifier" and named.strip():
        hub.validate(named, bundle)
        return
    if kind == "server" and named.strip():
        Endpoint.parse(named)
        return
    raise UsageProblem(f"unicomp: --unicomp-judge is {specification!r}; expected {FORMS}.")


def build(evaluation: Evaluation) -> Judge:
    """Return the judge of a run, loaded or connected once a process."""
    return _made(evaluation.judge, evaluation.similarity, evaluation.bundle, evaluation.device)


@cache
def offline() -> Judge:
    """Return the rules alone, for constant answers, whichever judge the run has."""
    return Judge(RULES)


@cache
def _made(specification: str, similarity: str, bundle: Path | None, device: str) -> Judge:
    from pytest_unicomp.judges import similarity as embeddings

    kind, _, named = specification.partition(":")
    found = embeddings.load(similarity, bundle, device)
    if kind == "classifier":
        from pytest_unicomp.judges import classifier

        loaded = classifier.load(named, bundle, device)
        return Judge(f"{loaded.identity}, else {rules()}", classifier=loaded, embeddings=found)
    if kind == "server":
        from pytest_unicomp.judges.server import Server

        server = Server(Endpoint.parse(named))
        return Judge(server.identity, server=server, embeddings=found)
    return Judge(rules(), embeddings=found)


def rules() -> str:
    """Return the name of the rules with 16 hex digits over the files that they consist of."""
    here = Path(__file__).parent
    parts = "".join(file_digest(here / name) for name in RULE_FILES)
    return f"{RULES} {hashlib.sha256(parts.encode()).hexdigest()[:16]}"
