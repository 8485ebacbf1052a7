"""GSM8K: grade-school word problems answered by generation (Cobbe et al., arXiv 2110.14168).

A row: {"question": "Janet's ducks lay 16 eggs ...", "answer": "... She makes 9 * 2 = $<<9*2=18>>18 ...\\n#### 18"}.
The last number of the reply is the answer (lm-eval's flexible-extract). `gsm8k` puts lm-eval's five worked examples before each question as
plain text; `gsm8k-paper` four, as turns of a chat.
"""

from dataclasses import replace

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask
from pytest_unicomp.benchmarks.replies import greedy

DEFAULT = LmEvalTask(
    folder="gsm8k",
    parts=(("gsm8k", "main"),),
    dataset="openai/gsm8k",
    capability="reasoning",
    metric="exact_match",
    filter="flexible-extract",
    shots=5,
    generates=True,
    items=1319,
    chance=0.0,
    source="lm-eval task gsm8k; Cobbe et al. 2021, arXiv 2110.14168",
)
PAPER = replace(
    DEFAULT, shots=4, chat=True, generation=greedy(512), sets=("paper",), source=f"{DEFAULT.source}; 4-shot chat of arXiv 2602.09130"
)
BENCHMARKS = {"gsm8k": DEFAULT, "gsm8k-paper": PAPER}
