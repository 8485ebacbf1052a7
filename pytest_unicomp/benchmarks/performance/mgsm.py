"""MGSM: 250 problems of GSM8K in eleven languages, one benchmark per language (Shi et al., arXiv 2210.03057).

A row: {"question": "Janets Enten legen 16 Eier pro Tag. ...", "answer": null, "answer_number": 18}.
The last number of the reply is the answer (lm-eval's flexible-extract); the prompt has no examples.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")


def _language(language: str) -> LmEvalTask:
    task = f"mgsm_direct_{language}"
    return LmEvalTask(
        folder="mgsm/direct",
        parts=((task, language),),
        dataset="juletxara/mgsm",
        capability="multilingual",
        metric="exact_match",
        filter="flexible-extract",
        generates=True,
        items=250,
        chance=0.0,
        source=f"lm-eval task {task}; Shi et al. 2022, arXiv 2210.03057",
    )


BENCHMARKS = {f"mgsm_direct_{language}": _language(language) for language in LANGUAGES}
