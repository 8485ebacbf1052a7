"""GPQA-Diamond: 198 questions that only experts answer (Rein et al., arXiv 2311.12022).

A row: {"Question": "Two quantum states with energies E1 and E2 ...", "Correct Answer": "10^-4 eV", "Incorrect Answer 1": "10^-11 eV", ...}.
The data set is gated: accept its terms at its page and log in before it is fetched. Options are shuffled with lm-eval's seed, so every run has the
same order. `gpqa_diamond_zeroshot` scores the options; `gpqa_diamond_cot_zeroshot` lets the model think, without examples, up to 32,768 tokens as in
AIME (lm-eval's own limit, 256, cuts every thought); `gpqa_diamond-paper` lets it reason after five examples put as turns of a chat.
"""

from dataclasses import replace

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask
from pytest_unicomp.benchmarks.replies import greedy

DEFAULT = LmEvalTask(
    folder="gpqa/zeroshot",
    parts=(("gpqa_diamond_zeroshot", "gpqa_diamond"),),
    dataset="Idavidrein/gpqa",
    capability="reasoning",
    metric="acc_norm",
    items=198,
    chance=0.25,
    gated=True,
    # Not in `performance`: a run that names no benchmark must not fail for lack of an account.
    sets=(),
    source="lm-eval task gpqa_diamond_zeroshot; Rein et al. 2023, arXiv 2311.12022; gated",
)
THINKING = replace(
    DEFAULT,
    folder="gpqa/cot_zeroshot",
    parts=(("gpqa_diamond_cot_zeroshot", "gpqa_diamond"),),
    metric="exact_match",
    filter="flexible-extract",
    generates=True,
    chat=True,
    generation={**greedy(32768), "until": ["</s>"]},
    sets=("thinking",),
    source="lm-eval task gpqa_diamond_cot_zeroshot; Rein et al. 2023, arXiv 2311.12022; gated",
)
PAPER = replace(
    DEFAULT,
    folder="gpqa/cot_n_shot",
    parts=(("gpqa_diamond_cot_n_shot", "gpqa_diamond"),),
    metric="exact_match",
    filter="flexible-extract",
    shots=5,
    generates=True,
    chat=True,
    generation=greedy(1024),
    sets=("paper",),
    source="lm-eval task gpqa_diamond_cot_n_shot; Rein et al. 2023, arXiv 2311.12022; gated; 5-shot chat of arXiv 2602.09130",
)
BENCHMARKS = {"gpqa_diamond_zeroshot": DEFAULT, "gpqa_diamond_cot_zeroshot": THINKING, "gpqa_diamond-paper": PAPER}
