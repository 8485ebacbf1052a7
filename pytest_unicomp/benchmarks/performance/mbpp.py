"""MBPP: 500 small Python problems in a sentence and three assertions each (Austin et al., arXiv 2108.07732), right if the assertions hold.

A row: {"task_id": 11, "text": "Write a python function to remove first and last occurrence ...", "code": "def remove_Occ(s,ch): ...", "test_list": ["assert ...", ...]}.
lm-eval's three worked examples come before each problem. Its task `mbpp_instruct` is left out: in lm-eval 0.4.13 the extraction takes the first word of
a reply for the name of a language, so that a reply that begins with `def` is never right.
"""

from pytest_unicomp.benchmarks.code.task import CodeTask

BENCHMARKS = {
    "mbpp": CodeTask(
        folder="mbpp",
        parts=(("mbpp", "full"),),
        dataset="google-research-datasets/mbpp",
        capability="reasoning",
        shots=3,
        items=500,
        source="lm-eval task mbpp; Austin et al. 2021, arXiv 2108.07732",
    )
}
