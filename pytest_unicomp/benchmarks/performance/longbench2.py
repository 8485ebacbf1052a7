"""LongBench v2: 503 questions with four options about texts of 8 thousand to 2 million words (Bai et al., arXiv 2412.15204).

A row: {"context": "...", "question": "What can we know from the article?", "choices": ["...", "...", "...", "..."], "answer": 2}. The letter with the
largest log-likelihood is the answer. A text that is longer than the model's context loses its beginning, as in lm-eval: reference and candidate read
the same rest. A kind of text is the items' cluster.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

# lm-eval's task behind `longbench2_`, and the configuration of the data.
KINDS = {
    "academic_multi": "academic_multi",
    "academic_single": "academic_single",
    "agent_history": "agent_history_qa",
    "code": "code_repo_qa",
    "detective": "detective",
    "dialogue_history": "dialogue_history_qa",
    "event_order": "event_ordering",
    "fin_multi": "financial_multi",
    "fin_single": "financial_single",
    "govt_multi": "government_multi",
    "govt_single": "government_single",
    "graph": "graph_reasoning",
    "legal_multi": "legal_multi",
    "legal_single": "legal_single",
    "lit_single": "literary",
    "many_shot": "manyshot_learning",
    "news_multi": "multinews",
    "table": "table_qa",
    "translate": "new_language_translation",
    "user_guide": "user_guide_qa",
}

BENCHMARKS = {
    "longbench2": LmEvalTask(
        folder="longbench2",
        parts=tuple((f"longbench2_{kind}", configuration) for kind, configuration in KINDS.items()),
        dataset="recursal/longbench-v2",
        capability="long_context",
        metric="acc",
        items=503,
        chance=0.25,
        sets=("long-context",),
        source="lm-eval group longbench2; Bai et al. 2024, arXiv 2412.15204",
    )
}
