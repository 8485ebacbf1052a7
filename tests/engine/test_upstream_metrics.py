"""On real items lm-eval's own evaluation gives the same answers and metrics with our engine as with its hf backend."""

import pytest
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.benchmarks.lm_eval_task import load_tasks
from pytest_unicomp.engine import UnicompLM
from pytest_unicomp.engine.quiet_libraries import quiet
from tests.engine.upstream import simple_evaluate

TASKS = [
    ("arc", "arc_challenge", "allenai/ai2_arc", 5),
    ("arc", "arc_easy", "allenai/ai2_arc", 0),
    ("mmlu", "mmlu_anatomy", "cais/mmlu", 5),
    ("piqa", "piqa", "baber/piqa", 0),
    ("winogrande", "winogrande", "allenai/winogrande", 2),
    ("truthfulqa", "truthfulqa_mc2", "truthfulqa/truthful_qa", 0),
    ("gsm8k", "gsm8k", "openai/gsm8k", 2),
]
LIMIT = 6


@pytest.mark.parametrize(("folder", "name", "dataset", "shots"), TASKS, ids=[f"{name}-{shots}-shot" for _, name, _, shots in TASKS])
def test_the_metrics_of_real_items_are_those_of_the_hf_backend(tiny, hub, folder, name, dataset, shots):
    shorter = {"generation_kwargs": {"until": ["Question:"], "do_sample": False, "max_gen_toks": 24}} if name == "gsm8k" else {}

    def evaluated(lm):
        task = load_tasks(folder, [name], str(hub / dataset), shorter)[name]
        task.set_config(key="num_fewshot", value=shots)
        with quiet():
            found = simple_evaluate(lm, task, limit=LIMIT)
        numbers = {key: value for key, value in found["results"][name].items() if isinstance(value, float)}
        samples = sorted(found["samples"][name], key=lambda sample: (sample["doc_id"], sample["filter"]))
        return numbers, [sample["resps"] for sample in samples]

    ours, answers = evaluated(UnicompLM(tiny.model, tiny.tokenizer))
    theirs, expected = evaluated(HFLM(pretrained=tiny.model, tokenizer=tiny.tokenizer, batch_size=8, backend="causal"))
    assert ours == pytest.approx(theirs, abs=1e-3)
    assert len(answers) >= LIMIT
    for mine, other in zip(answers, expected, strict=True):
        for [answer], [wanted] in zip(mine, other, strict=True):
            if isinstance(answer, str):
                assert answer == wanted
            else:
                assert float(answer[0]) == pytest.approx(float(wanted[0]), abs=1e-3)
                assert str(answer[1]) == str(wanted[1])
