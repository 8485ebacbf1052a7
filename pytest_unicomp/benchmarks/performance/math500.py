"""MATH-500: competition problems answered by generation (Hendrycks et al., arXiv 2103.03874; the 500 of Lightman et al., arXiv 2305.20050).

A row: {"problem": "Convert the point $(0,3)$ ...", "solution": "We have that ...", "answer": "\\\\left( 3, \\\\frac{\\\\pi}{2} \\\\right)"}.
An answer is right if math_verify finds it equal to the solution's. `minerva_math500` is lm-eval's own prompt; `minerva_math500-paper`
puts the same four worked examples as turns of a chat.
"""

from dataclasses import replace

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask
from pytest_unicomp.benchmarks.replies import greedy

DEFAULT = LmEvalTask(
    folder="minerva_math",
    parts=(("minerva_math500", "default"),),
    dataset="HuggingFaceH4/MATH-500",
    capability="reasoning",
    metric="math_verify",
    shots=4,
    generates=True,
    items=500,
    chance=0.0,
    requires=("sympy", "math_verify", "antlr4"),
    install="lm-eval[math]",
    source="lm-eval task minerva_math500; Hendrycks et al. 2021, arXiv 2103.03874",
)
PAPER = replace(DEFAULT, chat=True, generation=greedy(1024), sets=("paper",), source=f"{DEFAULT.source}; 4-shot chat of arXiv 2602.09130")
BENCHMARKS = {"minerva_math500": DEFAULT, "minerva_math500-paper": PAPER}
