from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Model
from pytest_unicomp.calibration import mixture
from tests.calibration.toy_bundle import write


def test_a_file_may_hold_text_prompts_and_messages(model: Model, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    rest = [{"text": f"line {n} of the rest"} for n in range(20)]
    file = write(tmp_path / "own.jsonl", [{"text": "plain"}, {"prompt": "Why?"}, {"messages": turns}, *rest])
    found = mixture.build(str(file), model=model, seed=0, bundle=None, form="own")
    assert {"plain", "user: Hi\nassistant: Yes?\n", "user: Why?\n"} < set(found.texts)
    assert found.record.samples == 23


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"text": "fine"}\nnot json\n', "line 2 .* is not JSON"),
        ('{"text": "fine"}\n\n{"txt": 1}\n', 'line 3 .* holds no "text"'),
        ('{"text": ""}\n', 'line 1 .* holds no "text"'),
        ('{"messages": [{"role": "user"}]}\n', 'line 1 .* holds no "text"'),
        ("[1]\n", 'line 1 .* holds no "text"'),
    ],
)
def test_a_file_with_a_bad_line_is_refused_with_its_number(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(content)
    with pytest.raises(UsageProblem, match=message):
        mixture.validate(str(file), None, "some/model")
