"""HellaSwag: which of four endings continues the scene (Zellers et al., arXiv 1905.07830).

A row: {"ctx_a": "A man is sitting on a roof.", "ctx_b": "he", "endings": ["is using wrap ...", ...], "label": "3"}.
The score is acc_norm: the ending with the largest log-likelihood per character is the answer. The validation part, whose labels are public.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "hellaswag": LmEvalTask(
        folder="hellaswag",
        parts=(("hellaswag", "default"),),
        dataset="Rowan/hellaswag",
        capability="knowledge",
        metric="acc_norm",
        items=10042,
        chance=0.25,
        sets=("performance", "paper"),
        source="lm-eval task hellaswag; Zellers et al. 2019, arXiv 1905.07830",
    )
}
