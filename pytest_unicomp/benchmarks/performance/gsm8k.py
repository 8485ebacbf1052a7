"""GSM8K: grade-school word problems answered by generation (Cobbe et al., arXiv 2110.14168).

A row: {"question": "Janet's ducks lay 16 eggs ...", "answer": "... She makes 9 * 2 = $<<9*2=18>>18 ...\\n#### 18"}.
The last number of the reply is the answer (lm-eval's flexible-extract); five worked examples stand before each question.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "gsm8k": LmEvalTask(
        folder="gsm8k",
        parts=(("gsm8k", "main"),),
        dataset="openai/gsm8k",
        capability="reasoning",
        metric="exact_match",
        filter="flexible-extract",
        shots=5,
        generates=True,
        source="lm-eval task gsm8k; Cobbe et al. 2021, arXiv 2110.14168",
    )
}
