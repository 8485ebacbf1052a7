"""The first cause in what a server printed."""

from __future__ import annotations

import pytest

from pytest_unicomp.engine.serving.server_log import LONGEST, first_cause

PREFIX = "(EngineCore pid=7) ERROR 11-30 12:00:00 [core.py:842] "
FRAMES = [
    "Traceback (most recent call last):",
    '  File "core.py", line 833, in run',
    "    engine = EngineCore(vllm_config)",
    "             ^^^^^^^^^^",
]


def logged(*lines: str) -> str:
    return "\n".join(PREFIX + line for line in lines)


def test_the_exception_of_the_first_traceback_is_the_cause_of_those_that_follow():
    second = "\n".join([*FRAMES, "RuntimeError: Engine core initialization failed. See root cause above."])
    output = "\n".join(
        ["INFO starting", logged("EngineCore failed to start.", *FRAMES, "NotImplementedError: no kernel for 'Float'"), second]
    )
    assert first_cause(output) == "NotImplementedError: no kernel for 'Float'"


def test_an_exception_without_a_message_and_one_of_a_module_are_found():
    assert first_cause("\n".join([*FRAMES, "AssertionError"])) == "AssertionError"
    assert first_cause("\n".join([*FRAMES, "torch.OutOfMemoryError: 2 GiB"])) == "torch.OutOfMemoryError: 2 GiB"


def test_lines_of_another_process_within_a_traceback_are_passed_over():
    output = "\n".join([*FRAMES[:2], "(ApiServer pid=1) INFO waiting", *FRAMES[2:], "ValueError: too long"])
    assert first_cause(output) == "ValueError: too long"


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("load\nllama_model_load: error loading model: bad magic\nmain: exiting", "llama_model_load: error loading model: bad magic"),
        ("a\nb\nc\nd\ne\nf", "b / c / d / e / f"),
        ("", "nothing"),
        ("\x1b[31mfatal: no such device\x1b[0m", "fatal: no such device"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_without_a_traceback_the_first_error_or_the_last_lines_stand_in(output, cause):
    assert first_cause(output) == cause


def test_a_cause_is_cut_to_a_readable_length():
    assert len(first_cause("ValueError: x " + "error " * 1000)) == LONGEST
