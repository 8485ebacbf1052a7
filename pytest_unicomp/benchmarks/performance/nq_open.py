"""NQ-open: questions typed into a search engine, whose answers are told from memory (Lee et al., arXiv 1906.00300).

A row: {"question": "when was the last time anyone was on the moon", "answer": ["14 December 1972 UTC", "December 1972"]}. A reply is right if it is
one of the answers, but for case, punctuation and English articles. Five examples of the training split show that an answer is short.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "nq_open": LmEvalTask(
        folder="nq_open",
        parts=(("nq_open", "default"),),
        dataset="google-research-datasets/nq_open",
        capability="knowledge",
        metric="exact_match",
        filter="remove_whitespace",
        shots=5,
        generates=True,
        items=3610,
        chance=0.0,
        sets=("told",),
        source="lm-eval task nq_open; Kwiatkowski et al. 2019 and Lee et al. 2019, arXiv 1906.00300; 5-shot",
    )
}
