"""HumanEval: 164 Python functions to complete from signature and docstring (Chen et al., arXiv 2107.03374), right if they pass the item's tests.

A row: {"task_id": "HumanEval/0", "prompt": "def has_close_elements(...):\\n    \\"\\"\\" Check if ...", "entry_point": "has_close_elements", "test": "def check(candidate): ..."}.
`humaneval` is for base models: the reply continues the prompt. `humaneval_instruct` asks in words, as a turn of the chat template.
"""

from dataclasses import replace

from pytest_unicomp.benchmarks.code.task import CodeTask

DEFAULT = CodeTask(
    folder="humaneval",
    parts=(("humaneval", "openai_humaneval"),),
    filter="create_test",
    dataset="openai/openai_humaneval",
    capability="reasoning",
    items=164,
    source="lm-eval task humaneval; Chen et al. 2021, arXiv 2107.03374",
)
BENCHMARKS = {
    "humaneval": DEFAULT,
    "humaneval_instruct": replace(
        DEFAULT,
        parts=(("humaneval_instruct", "openai_humaneval"),),
        chat=True,
        source="lm-eval task humaneval_instruct; Chen et al. 2021, arXiv 2107.03374",
    ),
}
