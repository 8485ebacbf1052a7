"""PIQA: which of two ways reaches a physical goal (Bisk et al., arXiv 1911.11641).

A row: {"goal": "How do I ready a guinea pig cage?", "sol1": "Provide the guinea pig with a cage full of ...", "sol2": "...", "label": 0}.
The score is acc_norm: the solution with the larger log-likelihood per character is the answer. The validation part, whose labels are public.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "piqa": LmEvalTask(
        folder="piqa",
        parts=(("piqa", "default"),),
        dataset="baber/piqa",
        capability="knowledge",
        metric="acc_norm",
        items=1838,
        chance=0.5,
        sets=("performance", "paper"),
        source="lm-eval task piqa; Bisk et al. 2020, arXiv 1911.11641",
    )
}
