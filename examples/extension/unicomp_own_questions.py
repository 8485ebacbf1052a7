"""Questions of your own, answered in free text: an item is right where the reply holds the expected words.

A line of questions.jsonl: {"id": "people-1", "prompt": "Which instrument does Kurt Tanaka play?", "answer": "drum"}.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("questions.jsonl")


@dataclass(frozen=True)
class OwnQuestions:
    capability: str = "knowledge"
    dimension: str = "performance"
    dataset: str = FILE.name
    metric: str = "contains"
    higher_is_better: bool = True
    shots: int = 0
    sets: tuple[str, ...] = ("own",)
    source: str = "written by us"
    kind: str = "items"

    def validate(self, evaluation):
        from pytest_unicomp.api.errors import UsageProblem

        if not FILE.is_file():
            raise UsageProblem(f"own-questions: {FILE} is not there; put the questions beside the module.")

    def identity(self, evaluation):
        # Everything besides the model that shapes the result: where it changes, results that are kept are not used again.
        return {"dataset": hashlib.sha256(FILE.read_bytes()).hexdigest(), "generation": GENERATION}

    def score(self, engine, evaluation):
        from pytest_unicomp.api.protocols import Scored
        from pytest_unicomp.api.records import Item
        from pytest_unicomp.benchmarks.selection import select
        from pytest_unicomp.engine.task_requests import replies
        from pytest_unicomp.engine.template import digest

        rows = {row["id"]: row for row in map(json.loads, FILE.read_text(encoding="utf-8").splitlines())}
        names = select(rows, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)
        prompts, texts = replies([rows[name]["prompt"] for name in names], GENERATION, engine, chat=True)
        items = tuple(
            Item(
                id=name,
                score=float(rows[name]["answer"].lower() in text.lower()),
                prompt_digest=hashlib.sha256(prompt.encode()).hexdigest()[:16],
                prompt=prompt,
                answer=text,
                target=rows[name]["answer"],
            )
            for name, prompt, text in zip(names, prompts, texts, strict=True)
        )
        return Scored(items=items, chance=0.0, template=digest(engine.tokenizer), generation=GENERATION, engine=engine.name)


GENERATION = {"until": [], "max_gen_toks": 24, "do_sample": False, "temperature": 0.0}
BENCHMARKS = {"own-questions": OwnQuestions()}
