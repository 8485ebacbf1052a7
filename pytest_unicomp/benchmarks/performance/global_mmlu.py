"""Global-MMLU-Lite: 400 MMLU questions in each of the paper's 15 languages, one benchmark per language (Singh et al., arXiv 2412.03304).

A row: {"subject": "high_school_geography", "question": "...", "option_a": "...", "option_b": "...", "option_c": "...", "option_d": "...", "answer": "B"}.
The paper averages ten languages as rich in resources (HIGH) and five as poor (LOW). A subject is the items' cluster.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

HIGH = ("ar", "de", "en", "fr", "hi", "it", "ja", "pt", "es", "zh")
LOW = ("bn", "id", "ko", "sw", "yo")
CATEGORIES = ("business", "humanities", "medical", "other", "social_sciences", "stem")


def _language(language: str) -> LmEvalTask:
    return LmEvalTask(
        folder=f"global_mmlu/default/{language}",
        parts=tuple((f"global_mmlu_{language}_{category}", language) for category in CATEGORIES),
        dataset="CohereLabs/Global-MMLU-Lite",
        capability="multilingual",
        metric="acc",
        items=400,
        chance=0.25,
        cluster_by=("subject",),
        group="high resource" if language in HIGH else "low resource",
        sets=("performance", "paper"),
        source=f"lm-eval group global_mmlu_{language}; Singh et al. 2024, arXiv 2412.03304",
    )


BENCHMARKS = {f"global_mmlu_{language}": _language(language) for language in (*HIGH, *LOW)}
