"""The benchmark of a file of questions: puts them to the model after their examples, and scores the likelihood of the options or the reply."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemText, ItemTokens, Scored
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Item
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.benchmarks.own import file as files
from pytest_unicomp.benchmarks.own import scorers
from pytest_unicomp.benchmarks.own.grading import grade
from pytest_unicomp.benchmarks.own.question import Question
from pytest_unicomp.benchmarks.replies import greedy
from pytest_unicomp.judges.question import judge_question, without_reasoning

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

JUDGE_TASK = "own_question"
RIGHT, WRONG = "RIGHT", "WRONG"
UNJUDGED = "unjudged"


@dataclass(frozen=True, kw_only=True)
class QuestionFile(ItemBenchmark):
    """The questions of `file`, scored by one of `scorers.NEEDS`; a reply has at most `tokens` tokens. The examples of the file precede each question."""

    file: Path
    scored_by: str
    tokens: int = 256

    @property
    def reads_likelihoods(self) -> bool:
        """Return True if it scores the likelihood of options."""
        return self.scored_by == scorers.CHOICE

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "log-likelihood of the options per character" if self.reads_likelihoods else f"generated reply, {self.scored_by}"

    def content(self) -> files.Questions:
        """Return the questions; raise UsageProblem for the first thing that is wrong with the file."""
        return files.read(self.file, self.scored_by)

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the file is wrong, or if its scorer is a judge and the run has none that reads criteria."""
        self.content()
        if self.scored_by == scorers.JUDGE and not evaluation.judge.startswith("server:"):
            raise UsageProblem(
                f"unicomp: the questions of {self.file} are scored by a judge, and --unicomp-judge is {evaluation.judge}; "
                "expected --unicomp-judge=server:URL, a chat endpoint that reads their criteria."
            )

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the digest of the file, and how replies are generated and scored."""
        found = self.content()
        return {
            "dataset": found.digest,
            "scorer": self.scored_by,
            "shots": len(found.examples),
            "generation": self._generation,
            "judge": evaluation.judge if self.judge else "none",
        }

    def questions(self, evaluation: Evaluation) -> Iterator[ItemText]:
        """Yield the text of every question."""
        for one in self.content().scored:
            yield ItemText(one.id, one.text)

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return the length of a typical question with its examples, four characters a token, and half the allowed reply."""
        found = self.content()
        characters = sum(len(one.text) for one in found.scored) / len(found.scored) + sum(len(one.text) for one in found.examples)
        return ItemTokens(max(1.0, characters / 4), 0.0 if self.reads_likelihoods else self.tokens / 2)

    def must_pass(self) -> tuple[str, ...]:
        """Return the ids of the questions that a candidate must answer right."""
        return tuple(one.id for one in self.content().scored if one.must_pass)

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected questions to the model and score them."""
        from pytest_unicomp.engine.task_requests import chance_level

        found = self.content()
        known = {one.id: one for one in found.scored}
        chosen = [known[name] for name in select(known, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)]
        prompts = [rendered(one, found.examples, engine, chooses=self.reads_likelihoods) for one in chosen]
        template, judge, generation = engine.template(chat=engine.has_chat_template), "none", self._generation
        if self.reads_likelihoods:
            items = self._choices(chosen, prompts, engine)
        else:
            if found.examples and not engine.has_chat_template:
                # A model that continues the text would go on with examples of its own.
                generation = {**generation, "until": ["\n\n"]}
            items, judge = self._replies(chosen, prompts, generation, engine, evaluation)
        return Scored(
            items=items,
            chance=chance_level(items) if self.reads_likelihoods else 0.0,
            template=template,
            generation=generation,
            engine=engine.name,
            judge=judge,
            unjudged=sum(item.said == UNJUDGED for item in items),
        )

    @property
    def _generation(self) -> Mapping[str, Any]:
        return {} if self.reads_likelihoods else greedy(self.tokens)

    def _replies(
        self, chosen: Sequence[Question], prompts: Sequence[str], generation: Mapping[str, Any], engine: Engine, evaluation: Evaluation
    ) -> tuple[tuple[Item, ...], str]:
        from pytest_unicomp.engine.task_requests import replies
        from pytest_unicomp.judges import build as judges

        _, said = replies(prompts, generation, engine, chat=False)
        heard = [without_reasoning(reply) for reply in said]
        name = "none"
        if self.scored_by == scorers.JUDGE:
            judge = judges.build(evaluation)
            name = judge.identity
            asked = [
                judge_question(
                    JUDGE_TASK, question=one.text, criteria=one.criteria or f"It says the same as: {one.answers[0]}", reply=reply
                )
                for one, reply in zip(chosen, heard, strict=True)
            ]
            scores = [verdict(answer) for answer in judge.answer(asked)]
        else:
            scores = [grade(self.scored_by, one, reply) for one, reply in zip(chosen, heard, strict=True)]
        items = tuple(
            _item(one, prompt, answer=reply, score=score, said=UNJUDGED if score is None else None)
            for one, prompt, reply, score in zip(chosen, prompts, said, scores, strict=True)
        )
        return items, name

    def _choices(self, chosen: Sequence[Question], prompts: Sequence[str], engine: Engine) -> tuple[Item, ...]:
        from pytest_unicomp.engine.task_requests import TaskSetup, score_documents

        if not chosen:
            # None of the items that are asked for is in the file any more; a table without rows has no columns.
            return ()
        task = _choice_task(chosen, prompts, delimiter="" if engine.has_chat_template else " ")
        asked = score_documents(task, range(len(chosen)), TaskSetup(metric="acc_norm"), engine)
        return tuple(
            asked[place].model_copy(update={"id": one.id, "cluster": one.cluster, "slice": one.slice, "target": one.target})
            for place, one in enumerate(chosen)
        )


def rendered(one: Question, examples: Sequence[Question], engine: Engine, *, chooses: bool) -> str:
    """Return the prompt of a question after its examples: with the model's chat template as turns of one conversation, else as text.

    Without a template, an example is its text and its answer, and a blank line stands between two; the options of a choice are not listed.
    """
    if engine.has_chat_template:
        shown = [turn for example in examples for turn in (*_turns(example), {"role": "assistant", "content": example.answers[0]})]
        return str(engine.lm.apply_chat_template([*shown, *_turns(one)]))
    if not examples:
        return one.text
    delimiter = " " if chooses else "\n"
    return "".join(f"{example.text}{delimiter}{example.answers[0]}\n\n" for example in examples) + one.text + ("" if chooses else "\n")


def verdict(answer: str | None) -> float | None:
    """Return the score that the answer of a judge means: 1 for RIGHT, 0 for WRONG, None for anything else."""
    word = (answer or "").strip(" .*\n").upper()
    return {RIGHT: 1.0, WRONG: 0.0}.get(word)


def _turns(one: Question) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in one.messages]


def _item(one: Question, prompt: str, *, answer: str, score: float | None, said: str | None) -> Item:
    return Item(
        id=one.id,
        cluster=one.cluster,
        slice=one.slice,
        score=score,
        prompt_digest=hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        prompt=prompt,
        answer=answer,
        target=one.target,
        said=said,
    )


def _choice_task(chosen: Sequence[Question], prompts: Sequence[str], *, delimiter: str) -> Any:
    """Return the lm-eval task that compares the likelihoods of the options after each prompt, per character."""
    from datasets import Dataset
    from lm_eval.api.task import ConfigurableTask

    from pytest_unicomp.engine.quiet_libraries import quiet

    rows = [
        {"prompt": prompt, "options": list(one.options), "gold": one.options.index(one.answers[0])}
        for one, prompt in zip(chosen, prompts, strict=True)
    ]
    config = {
        "task": "own-questions",
        "custom_dataset": lambda **_: {"test": Dataset.from_list(rows)},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "prompt",
        "doc_to_choice": "options",
        "doc_to_target": "gold",
        "target_delimiter": delimiter,
        "metric_list": [{"metric": "acc_norm", "aggregation": "mean", "higher_is_better": True}],
    }
    with quiet():
        return ConfigurableTask(config=config)
