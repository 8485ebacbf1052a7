"""The value of `backend`."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.backend import LmEvalBackend, backend


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hf", None),
        ("server", None),
        ("lm-eval:hf", LmEvalBackend("hf")),
        ("lm-eval:openvino,pretrained=out/ov,device=CPU", LmEvalBackend("openvino", (("pretrained", "out/ov"), ("device", "CPU")))),
        ("lm-eval:x,query=a=b", LmEvalBackend("x", (("query", "a=b"),))),
    ],
)
def test_a_class_of_lm_eval_has_a_name_and_arguments(value, expected):
    assert LmEvalBackend.of(backend("here", value)) == expected


@pytest.mark.parametrize(
    "value", ["lm-eval", "lm-eval:", "lm-eval:hf,dtype", "lm-eval:hf,=1", "lm-eval:hf,dtype=", "vllm", "", 7, None, True]
)
def test_anything_else_is_refused_where_it_stands(value):
    with pytest.raises(UsageProblem, match=r"^unicomp: unicomp.toml:3: backend is "):
        backend("unicomp.toml:3: backend", value)
