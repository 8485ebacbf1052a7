from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any

import pytest

from pytest_unicomp.engine.quiet_libraries import LOGGERS, quiet, quiet_with_captured_output


def levels() -> dict[str, int]:
    return {name: logging.getLogger(name).level for name in (*LOGGERS, "torch.fx")}


@pytest.mark.parametrize("silencer", [quiet, quiet_with_captured_output])
def test_libraries_log_errors_only_inside_and_as_before_outside_even_after_an_exception(silencer: Any) -> None:
    import datasets  # noqa: F401  (its import sets a level)
    from transformers.utils import logging as transformers_logging

    # The first question sets a level too.
    transformers_logging.get_verbosity()

    def fail() -> None:
        with silencer():
            assert logging.getLogger("transformers").level == logging.ERROR
            raise KeyError

    logging.getLogger("transformers").setLevel(logging.INFO)
    before, environment = levels(), dict(os.environ)
    with pytest.raises(KeyError):
        fail()
    assert levels() == before
    assert dict(os.environ) == environment


def test_captured_output_stays_off_the_terminal_with_its_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_with_captured_output():
        sys.stdout.write("a bar\n")
        sys.stderr.write("a notice\n")
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
    assert capfd.readouterr() == ("", "")


def test_an_error_carries_the_captured_output_without_its_progress_bars() -> None:
    def fail() -> None:
        with quiet_with_captured_output():
            sys.stdout.write("10%|#    | 1/10 [00:00<00:01, 9.1it/s]\rthe reason\n")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken") as caught:
        fail()
    assert caught.value.__notes__ == ["the reason"]


def test_an_error_without_output_gets_no_note() -> None:
    with pytest.raises(ValueError, match="broken") as caught, quiet_with_captured_output():
        raise ValueError("broken")
    assert not hasattr(caught.value, "__notes__")
