"""Keeps the libraries' progress bars and notices off the terminal while a block runs, and puts every setting back afterwards."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

LOGGERS = ("lm_eval", "transformers", "datasets", "accelerate", "compressed_tensors")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within the block those libraries report errors only; exceptions pass unchanged."""
    import datasets
    from transformers.utils import logging as transformers_logging

    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    transformers_bars = transformers_logging.is_progress_bar_enabled()
    datasets_bars = not datasets.are_progress_bars_disabled()
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if transformers_bars:
            transformers_logging.enable_progress_bar()
        if datasets_bars:
            datasets.enable_progress_bars()


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """Drop what is written to stderr: compressed-tensors, and lm-eval's rolling log-likelihood, build their bars without asking any setting."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
