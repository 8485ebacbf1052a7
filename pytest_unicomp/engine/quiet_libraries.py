"""Keeps what libraries print, log and warn off the terminal while a block runs, and restores every setting afterwards."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Sequence

LOGGERS = ("lm_eval", "transformers", "datasets", "accelerate", "compressed_tensors")
LAST_WORDS = 2000


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within the block those libraries log errors only and draw no progress bars; exceptions pass unchanged."""
    import datasets
    from transformers.utils import logging as transformers_logging

    transformers_bars = transformers_logging.is_progress_bar_enabled()
    datasets_bars = not datasets.are_progress_bars_disabled()
    with _errors_only(LOGGERS):
        transformers_logging.disable_progress_bar()
        datasets.disable_progress_bars()
        try:
            yield
        finally:
            if transformers_bars:
                transformers_logging.enable_progress_bar()
            if datasets_bars:
                datasets.enable_progress_bars()


@contextlib.contextmanager
def without_progress_bars() -> Iterator[None]:
    """Drop what is written to stderr: the bars of compressed-tensors and of lm-eval's rolling log-likelihood have no switch."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def quiet_with_captured_output() -> Iterator[None]:
    """Capture stdout and stderr within the block, for compression libraries, which print; an exception carries their last words as a note.

    A variable switches llm-compressor's logger off, and must be set before its first import: otherwise that import removes the loguru
    handlers of the whole process. The import also sets TOKENIZERS_PARALLELISM for good unless it is set already.
    """
    output = io.StringIO()
    with (
        _environment(LLM_COMPRESSOR_LOG_DISABLED="true", TOKENIZERS_PARALLELISM="false"),
        # Recorded and dropped: AutoAWQ's import switches its own notice on again, whatever the filters are.
        warnings.catch_warnings(record=True),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        _compression_logs_off(),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            # Any error is raised again, with what was captured: the reason often stands there alone.
            if last_words := _without_bar_lines(output.getvalue()):
                error.add_note(last_words[-LAST_WORDS:])
            raise


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _errors_only(names: Sequence[str]) -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _compression_logs_off() -> Iterator[None]:
    from loguru import logger

    for library in ("llmcompressor", "compressed_tensors"):
        logger.disable(library)
    try:
        logger.level("METRIC")
    except ValueError:
        # llm-compressor logs at this level even when it is switched off, but defines it only when it is not.
        logger.level("METRIC", no=38)
    with _errors_only(("transformers", "torch.fx")):
        yield


def _without_bar_lines(output: str) -> str:
    lines = output.replace("\r", "\n").splitlines()
    return "\n".join(line for line in lines if line.strip() and "it/s]" not in line and "?it" not in line)
