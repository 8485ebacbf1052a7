"""Questions of your own, answered in free text: an item is right if the reply holds the expected words.

A line of questions.jsonl: {"id": "people-1", "prompt": "Which instrument does Kurt Tanaka play?", "answer": "drum"}.
"""

import json
from pathlib import Path

from pytest_unicomp.benchmarks.replies import Prompt, ReplyBenchmark

FILE = Path(__file__).with_name("questions.jsonl")


class OwnQuestions(ReplyBenchmark):
    def prompts(self, evaluation):
        for row in map(json.loads, FILE.read_text(encoding="utf-8").splitlines()):
            yield Prompt(row["id"], row["prompt"], target=row["answer"])

    def grade(self, prompt, reply):
        return float(prompt.target.lower() in reply.lower())


BENCHMARKS = {"own-questions": OwnQuestions(capability="knowledge", metric="contains", tokens=24, chance=0.0, source="written by us")}
