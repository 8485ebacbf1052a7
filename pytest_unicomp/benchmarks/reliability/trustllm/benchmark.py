"""One sub-task of TrustLLM as a benchmark: prompts from its file, replies from the model, readings from a scorer (Sun et al., arXiv 2401.05561)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemText, ItemTokens, Piece, Scored
from pytest_unicomp.api.records import Item
from pytest_unicomp.api.source_digest import files_digest
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.benchmarks.reliability.trustllm import files
from pytest_unicomp.benchmarks.reliability.trustllm.reading import UNANSWERED, UNJUDGED, Grade, JudgeQuestion, PromptRow, Scorer, Scoring
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.compare import stats
from pytest_unicomp.judges import opinions
from pytest_unicomp.judges.question import without_reasoning

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine
    from pytest_unicomp.judges.build import Judge

# Constant answers, whose score the report shows beside a model's; a collapsed model writes garbage.
CONSTANTS = {
    "refuse": "I'm sorry, but I can't help with that.",
    "yes": "Yes.",
    "positive": "positive",
    "first option": "A",
    "empty": "",
    "garbage": "the the the the the the the the the the the the the the the the",
}

# The task of the judge that compares replies by the cosine of their embeddings.
SIMILARITY = "similarity"
# The best of those that always give the same label.
ONE_LABEL = "one label"


@dataclass(frozen=True, kw_only=True)
class TrustLLMTask(ItemBenchmark):
    """The rows of one file that `where` selects. `group` names fields that the prompts of one item share (None: each prompt is an item);
    `first` is the field and value of a group's first row. `slice_by` names the part of the set that an item belongs to, `cluster_by` what items
    share. `sampled` marks files for which TrustLLM generates at temperature 1. Items are named `<file>/<place in the file>`, or by their own `id`.
    """

    file: str
    scoring_rule: Scorer = field(repr=False)
    where: Mapping[str, str] = field(default_factory=dict)
    group: tuple[str, ...] = ()
    first: tuple[str, str] | None = None
    consecutive: int = 1
    slice_by: Callable[[PromptRow], str] | None = field(default=None, repr=False)
    cluster_by: Callable[[PromptRow], str] | None = field(default=None, repr=False)
    sampled: bool = False
    metric: str = "correct"
    source: str = "TrustLLM v0.3, Sun et al. 2024, arXiv 2401.05561"
    sets: tuple[str, ...] = ("reliability", "trustllm", "paper")

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return f"generated reply, {self.scoring_rule.name}"

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return a prompt of some 150 tokens and the whole reply, which few models end early."""
        return ItemTokens(150.0, float(evaluation.response_length))

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the bundle lacks the file."""
        files.require(self.file, evaluation.bundle)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the file, and the default embedding model if replies are compared by similarity."""
        model = (Piece("model", Evaluation.similarity, hub.FETCHED),) if self.judge == SIMILARITY else ()
        return (Piece("dataset", files.REPOSITORY, (self.file,)), *model)

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the file's digest, that of the code which reads replies, and how replies are generated and judged."""
        return {
            "dataset": files.digest(self.file, evaluation.bundle),
            "rules": rules(),
            "metric": self.metric,
            "shots": self.shots,
            "chat": True,
            "scoring": evaluation.scoring,
            "judge": evaluation.judge if self.judge else "none",
            "similarity": evaluation.similarity if self.judge == SIMILARITY else "none",
            "generation": self.generation(evaluation),
        }

    def generation(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return how replies are generated: greedy, at the requested temperature, or per file as TrustLLM does."""
        given = evaluation.temperature
        temperature = (1.0 if self.sampled else 0.0) if given == "paper" else float(given)
        settings: dict[str, Any] = {"until": [], "max_gen_toks": evaluation.response_length, "do_sample": temperature > 0}
        return {**settings, "temperature": temperature, **({"seed": evaluation.seed} if temperature > 0 else {})}

    def questions(self, evaluation: Evaluation) -> Iterator[ItemText]:
        """Yield every prompt."""
        for name, rows in self.grouped(evaluation).items():
            for row in rows:
                yield ItemText(name, str(row["prompt"]))

    def grouped(self, evaluation: Evaluation) -> dict[str, list[PromptRow]]:
        """Return the rows of each item by its name, in the file's order."""
        stem = Path(self.file).stem
        chosen = [
            (place, row)
            for place, row in enumerate(files.rows(self.file, evaluation.bundle))
            if all(str(row.get(key)) == value for key, value in self.where.items())
        ]
        gathered: dict[Any, list[tuple[int, PromptRow]]] = {}
        for number, (place, row) in enumerate(chosen):
            key = tuple(str(row[part]) for part in self.group) if self.group else number // self.consecutive
            gathered.setdefault(key, []).append((place, row))
        named: dict[str, list[PromptRow]] = {}
        for members in gathered.values():
            if self.first is not None:
                wanted, value = self.first
                members.sort(key=lambda member: member[1].get(wanted) != value)
            place, row = members[0]
            named[str(row["id"]) if "id" in row else f"{stem}/{place}"] = [row for _, row in members]
        return named

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Generate replies to the selected items, with the model's chat template if it has one, and grade them."""
        from pytest_unicomp.engine.task_requests import replies
        from pytest_unicomp.judges import agreement
        from pytest_unicomp.judges import build as judges

        grouped = self.grouped(evaluation)
        chosen = select(grouped, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)
        chat = engine.has_chat_template
        prompts = [str(row["prompt"]) for name in chosen for row in grouped[name]]
        put, said = replies(prompts, self.generation(evaluation), engine, chat=chat)
        judge = judges.build(evaluation) if self.judge else None
        rows = [grouped[name] for name in chosen]
        given, asked = list(_split(said, rows)), list(_split(put, rows))
        readings = read(self.scoring_rule, rows, given, judge, evaluation.scoring)
        missing = judge.unavailable(self.judge or "") if judge else None
        if missing is not None:
            # Blank replies need no judge, but a mean over them alone would be misleading.
            readings = [Grade(None, UNJUDGED)] * len(readings)
        items = tuple(
            self._item(name, grouped[name], prompt, reply, reading)
            for name, prompt, reply, reading in zip(chosen, asked, given, readings, strict=True)
        )
        return Scored(
            items=items,
            chance=self.chance,
            template=engine.template(chat=chat),
            generation=self.generation(evaluation),
            engine=engine.name,
            scoring=evaluation.scoring,
            judge=judge.identity if judge else "none",
            unanswered=sum(any(word in item.said.split(",") for word in UNANSWERED) for item in items if item.said),
            unjudged=sum(item.said == UNJUDGED for item in items),
            unavailable=missing,
            judge_agreement=agreement.known(evaluation.judge, self.judge) if self.judge else None,
            floors=floors(self.scoring_rule, rows, judges.offline() if self.judge else None, evaluation.scoring),
        )

    def _item(self, name: str, rows: Sequence[PromptRow], prompts: Sequence[str], said: Sequence[str], reading: Grade) -> Item:
        gold = next((str(rows[0][key]) for key in ("label", "answer", "gt-email", "knowledge") if key in rows[0]), "")
        return Item(
            id=name,
            cluster=self.cluster_by(rows[0]) if self.cluster_by else None,
            slice=self.slice_by(rows[0]) if self.slice_by else None,
            score=reading.score,
            said=reading.said,
            prompt_digest=hashlib.sha256("\x00".join(prompts).encode("utf-8", "surrogatepass")).hexdigest()[:16],
            prompt=prompts[0],
            answer=said[0] if len(said) == 1 else "\n---\n".join(said),
            target=gold,
        )


def read(
    scorer: Scorer, rows: Sequence[Sequence[PromptRow]], said: Sequence[Sequence[str]], judge: Judge | None, scoring: Scoring
) -> list[Grade]:
    """Return the grades of all items, ignoring reasoning before the replies; all questions go to the judge at once."""
    heard = [[without_reasoning(reply) for reply in replies] for replies in said]
    wanted: list[list[JudgeQuestion]] = [scorer.questions(own, replies, scoring) for own, replies in zip(rows, heard, strict=True)]
    flat = [question for questions in wanted for question in questions]
    answers = iter(judge.answer(flat) if judge and flat else [None] * len(flat))
    taken = [[next(answers) for _ in questions] for questions in wanted]
    return [scorer.read(own, replies, given, scoring) for own, replies, given in zip(rows, heard, taken, strict=True)]


def floors(scorer: Scorer, rows: Sequence[Sequence[PromptRow]], judge: Judge | None, scoring: Scoring) -> dict[str, float]:
    """Return the mean score of each constant answer on these items, without those that cannot be scored; of the labels, only the best one."""

    def level(constant: str) -> float | None:
        readings = read(scorer, rows, [[constant] * len(own) for own in rows], judge, scoring)
        return stats.mean_and_error([reading.score for reading in readings if reading.score is not None])[0]

    found = {name: level(constant) for name, constant in CONSTANTS.items()}
    labels = [score for score in map(level, scorer.constants) if score is not None]
    found[ONE_LABEL] = max(labels) if labels else None
    return {name: score for name, score in found.items() if score is not None}


def _split(flat: Sequence[str], rows: Sequence[Sequence[PromptRow]]) -> Iterator[list[str]]:
    start = 0
    for own in rows:
        yield list(flat[start : start + len(own)])
        start += len(own)


@cache
def rules() -> str:
    """Return 16 hex digits over the code that grades replies."""
    scorers, judges = Path(__file__).parent / "scorers", Path(opinions.__file__).parent
    found = (sorted(scorers.glob("*.py")), sorted(path for path in judges.glob("*.*") if path.is_file()))
    return hashlib.sha256("".join(files_digest(files, "the readers of replies") for files in found).encode()).hexdigest()[:16]
