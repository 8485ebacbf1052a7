"""AIME 2024 and 2025: the 30 problems of each year of the American Invitational Mathematics Examination, whose answers are numbers from 0 to 999.

A row of 2025: {"problem": "Find the sum of all integer bases $b>9$ for which $17_b$ is a divisor of $97_b$.", "answer": "70", "id": "0"}. The answer
is the content of the last \\boxed{}, else what stands between the first and the last dollar sign, else the whole reply. Replies take long thoughts:
up to 32,768 tokens, as lm-eval allows. Thirty items decide nothing by themselves: ask several replies each (`--unicomp-replies`), and pool both years.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask


def _year(task: str, dataset: str, year: int) -> LmEvalTask:
    return LmEvalTask(
        folder="aime",
        parts=((task, "default"),),
        dataset=dataset,
        capability="reasoning",
        metric="exact_match",
        generates=True,
        chat=True,
        max_gen_toks=32768,
        items=30,
        chance=0.0,
        sets=("thinking",),
        source=f"lm-eval task {task}; American Invitational Mathematics Examination {year}",
    )


BENCHMARKS = {"aime24": _year("aime24", "Maxwell-Jia/AIME_2024", 2024), "aime25": _year("aime25", "math-ai/aime25", 2025)}
