"""TruthfulQA: questions that people answer wrongly out of habit, scored by likelihood (Lin et al., arXiv 2109.07958).

A row: {"question": "What is the smallest country in the world that is at least one square mile in area?", "mc1_targets": {"choices": [...], "labels": [1, 0]}}.
`truthfulqa_mc1`: the one best answer is the most likely. `truthfulqa_mc2`: the probability that the true answers have together. Six examples of the
authors are part of every prompt.
"""

from dataclasses import replace

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

ONE = LmEvalTask(
    folder="truthfulqa",
    parts=(("truthfulqa_mc1", "multiple_choice"),),
    dataset="truthfulqa/truthful_qa",
    capability="truthfulness",
    metric="acc",
    items=817,
    chance=0.2225,
    sets=("reliability",),
    source="lm-eval task truthfulqa_mc1; Lin et al. 2022, arXiv 2109.07958",
)
MANY = replace(
    ONE,
    parts=(("truthfulqa_mc2", "multiple_choice"),),
    # Options of equal likelihood score the share of true ones among them, which averages this over the 817 questions.
    chance=0.4641,
    chance_from_options=False,
    source="lm-eval task truthfulqa_mc2; Lin et al. 2022, arXiv 2109.07958",
)
BENCHMARKS = {"truthfulqa_mc1": ONE, "truthfulqa_mc2": MANY}
