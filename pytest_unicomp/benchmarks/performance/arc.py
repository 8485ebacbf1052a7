"""ARC: school science questions with three to five options, easy and challenge parts (Clark et al., arXiv 1803.05457).

A row: {"question": "Which of these do plants need to grow?", "choices": {"text": [...], "label": ["A", ...]}, "answerKey": "B"}.
The score is acc_norm: the option with the largest log-likelihood per character is the answer.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask


def _part(task: str, configuration: str, items: int) -> LmEvalTask:
    return LmEvalTask(
        folder="arc",
        parts=((task, configuration),),
        dataset="allenai/ai2_arc",
        capability="knowledge",
        metric="acc_norm",
        items=items,
        chance=0.25,
        sets=("performance", "paper"),
        source=f"lm-eval task {task}; Clark et al. 2018, arXiv 1803.05457",
    )


BENCHMARKS = {"arc_easy": _part("arc_easy", "ARC-Easy", 2376), "arc_challenge": _part("arc_challenge", "ARC-Challenge", 1172)}
