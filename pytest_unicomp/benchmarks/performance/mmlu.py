"""MMLU: four-option questions from 57 subjects (Hendrycks et al., arXiv 2009.03300).

A row: {"question": "Find all c in Z_3 such that ...", "subject": "abstract_algebra", "choices": ["0", "1", "2", "3"], "answer": 1}.
In `mmlu` the letter with the largest log-likelihood is the answer; in `mmlu_generative` the model writes it, after five examples of the subject. The
score is the mean over items, not over subjects; a subject is the items' cluster.
"""

from dataclasses import replace

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

SUBJECTS = """
abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology college_chemistry college_computer_science
college_mathematics college_medicine college_physics computer_security conceptual_physics econometrics electrical_engineering
elementary_mathematics formal_logic global_facts high_school_biology high_school_chemistry high_school_computer_science
high_school_european_history high_school_geography high_school_government_and_politics high_school_macroeconomics
high_school_mathematics high_school_microeconomics high_school_physics high_school_psychology high_school_statistics
high_school_us_history high_school_world_history human_aging human_sexuality international_law jurisprudence logical_fallacies
machine_learning management marketing medical_genetics miscellaneous moral_disputes moral_scenarios nutrition philosophy prehistory
professional_accounting professional_law professional_medicine professional_psychology public_relations security_studies sociology
us_foreign_policy virology world_religions
""".split()  # noqa: SIM905 - a list literal of 57 quoted words hides a missing one

CHOSEN = LmEvalTask(
    folder="mmlu/default",
    parts=tuple((f"mmlu_{subject}", subject) for subject in SUBJECTS),
    dataset="cais/mmlu",
    capability="knowledge",
    metric="acc",
    items=14042,
    chance=0.25,
    sets=("performance", "paper"),
    source="lm-eval tasks mmlu_*; Hendrycks et al. 2021, arXiv 2009.03300",
)
WRITTEN = replace(
    CHOSEN,
    folder="mmlu/generative",
    parts=tuple((f"mmlu_{subject}_generative", subject) for subject in SUBJECTS),
    metric="exact_match",
    filter="get_response",
    shots=5,
    generates=True,
    sets=("told",),
    source="lm-eval group mmlu_generative; Hendrycks et al. 2021, arXiv 2009.03300; 5-shot",
)
BENCHMARKS = {"mmlu": CHOSEN, "mmlu_generative": WRITTEN}
