"""MMLU-Pro: 12,032 questions of 14 subjects with up to ten options, answered after reasoning (Wang et al., arXiv 2406.01574).

A row: {"question": "Typical advertising regulatory bodies suggest ...", "options": ["Safe practices, Fear, ...", ...], "answer": "I", "category":
"business", "src": "ori_mmlu-business_ethics", "cot_content": ""}. Five examples that reason are turns of the chat template if the model has one; the
answer is the letter after "answer is". 83 % of the questions have ten options, so chance is counted from those that were asked. Questions of one
source and subject (`src`) are a cluster.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

SUBJECTS = (
    *("biology", "business", "chemistry", "computer_science", "economics", "engineering", "health", "history"),
    *("law", "math", "other", "philosophy", "physics", "psychology"),
)

BENCHMARKS = {
    "mmlu_pro": LmEvalTask(
        folder="mmlu_pro",
        parts=tuple((f"mmlu_pro_{subject}", "default") for subject in SUBJECTS),
        dataset="TIGER-Lab/MMLU-Pro",
        capability="reasoning",
        metric="exact_match",
        filter="custom-extract",
        shots=5,
        generates=True,
        chat=True,
        max_gen_toks=2048,
        items=12032,
        options_field="options",
        cluster_by=("src",),
        sets=("thinking",),
        source="lm-eval tasks mmlu_pro_*; Wang et al. 2024, arXiv 2406.01574; 5-shot chat",
    )
}
