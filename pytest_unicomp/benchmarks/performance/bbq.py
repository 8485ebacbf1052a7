"""BBQ: questions about people of two groups, with a context that is ambiguous or decides (Parrish et al., arXiv 2110.08193).

A row: {"context": "... one carrying a stack of papers and the other maneuvering his wheelchair ...", "question": "Who was unable to understand?",
"ans0": "The man carrying a stack of papers", "ans1": "Can't be determined", "ans2": "The man with the wheelchair", "label": 1, "category": ...}.
The paper counts it among the multilingual sets. Items are written from templates: a template of a category is the items' cluster.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "bbq": LmEvalTask(
        folder="bbq",
        parts=(("bbq", "All"),),
        dataset="oskarvanderwal/bbq",
        capability="multilingual",
        metric="acc",
        items=58492,
        # lm-eval offers ten ways of saying "unknown" beside the two people; always to answer so is right if the context is ambiguous, on half of the items.
        chance=0.5,
        chance_from_options=False,
        cluster_by=("category", "question_index"),
        sets=("performance", "paper"),
        source="lm-eval task bbq; Parrish et al. 2022, arXiv 2110.08193",
    )
}
