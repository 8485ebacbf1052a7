"""IFBench as a benchmark: lm-eval puts the prompts through the chat template, our verifiers judge the replies (Pyatkin et al., arXiv 2507.02833)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation
from pytest_unicomp.benchmarks import dataset as files
from pytest_unicomp.benchmarks.performance.ifbench.verdicts import NLTK, verdicts
from pytest_unicomp.benchmarks.performance.ifeval import InstructionTask

if TYPE_CHECKING:
    from collections.abc import Mapping

METRIC = "prompt_level_loose_acc"


@dataclass(frozen=True, kw_only=True)
class IFBench(InstructionTask):
    """The test part of IFBench, up to `tokens` new tokens, greedy; right if every instruction is followed, by the loose rule as published."""

    tokens: int = 1280

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "generated reply, 58 verifiers after allenai/IFBench"

    def _tasks(self, evaluation: Evaluation) -> dict[str, Any]:
        from datasets import load_dataset
        from lm_eval.api.task import ConfigurableTask

        from pytest_unicomp.engine.quiet_libraries import quiet

        def judge(document: Mapping[str, Any], replies: list[str]) -> dict[str, float]:
            # lm-eval's own record of reasoning ends with this tag; the paper removes it (--remove-reasoning-tags).
            strict, loose = verdicts(document, replies[0].rpartition("</think>")[2], evaluation.bundle)
            return {"prompt_level_strict_acc": float(all(strict)), METRIC: float(all(loose))}

        with quiet():
            rows = load_dataset(files.resolve(self.dataset, evaluation.bundle), split="train")
            config = {
                "task": "ifbench",
                "custom_dataset": lambda **_: {"test": rows},
                "test_split": "test",
                "doc_to_text": "prompt",
                "doc_to_target": "key",
                "output_type": "generate_until",
                "process_results": judge,
                "generation_kwargs": {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": self.tokens},
                "metric_list": [
                    {"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("prompt_level_strict_acc", METRIC)
                ],
            }
            return {"ifbench": ConfigurableTask(config=config)}


BENCHMARKS = {
    "ifbench": IFBench(
        folder="",
        parts=(("ifbench", "default"),),
        dataset="allenai/IFBench_test",
        capability="instruction_following",
        metric=METRIC,
        generates=True,
        chat=True,
        items=300,
        chance=0.0,
        nltk=NLTK,
        requires=("nltk", "langdetect", "immutabledict", "emoji", "syllapy"),
        install="lm-eval[ifeval] emoji syllapy",
        sets=("performance", "paper"),
        source="allenai/IFBench_test; Pyatkin et al. 2025, arXiv 2507.02833",
    )
}
