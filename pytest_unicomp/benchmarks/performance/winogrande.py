"""WinoGrande: which of two names fills the gap (Sakaguchi et al., arXiv 1907.10641).

A row: {"sentence": "Sarah was a much better surgeon than Maria so _ always got the easier cases.", "option1": "Sarah", "option2": "Maria", "answer": "2"}.
The end of the sentence is scored after each beginning (partial scoring). The validation part, whose labels are public.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "winogrande": LmEvalTask(
        folder="winogrande",
        parts=(("winogrande", "winogrande_xl"),),
        dataset="allenai/winogrande",
        capability="knowledge",
        metric="acc",
        items=1267,
        chance=0.5,
        sets=("performance", "paper"),
        source="lm-eval task winogrande; Sakaguchi et al. 2020, arXiv 1907.10641",
    )
}
