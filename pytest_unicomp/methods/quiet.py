"""Wrap calls of compression libraries in `quiet()` so that their bars, log lines and warnings stay off the user's terminal."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

LAST_WORDS = 2000


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for the duration of the block; afterwards each is as it was."""
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


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the libraries print, log and warn out of the terminal; if the block raises, their last words go with the error as a note.

    llm-compressor's logger is switched off by its own variable, which must be set before its first import: otherwise that import removes
    the loguru handlers of the whole process. It also sets TOKENIZERS_PARALLELISM for good unless it is set already.
    """
    words = io.StringIO()
    with (
        environment(LLM_COMPRESSOR_LOG_DISABLED="true", TOKENIZERS_PARALLELISM="false"),
        # Recorded and forgotten: AutoAWQ's import switches its own notice on again, whatever the filters say.
        warnings.catch_warnings(record=True),
        redirect_stdout(words),
        redirect_stderr(words),
        _library_logs_off(),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            if said := _without_bars(words.getvalue()):
                error.add_note(said[-LAST_WORDS:])
            raise


def _without_bars(words: str) -> str:
    lines = words.replace("\r", "\n").splitlines()
    return "\n".join(line for line in lines if line.strip() and "it/s]" not in line and "?it" not in line)


@contextmanager
def _library_logs_off() -> Iterator[None]:
    from loguru import logger
    from transformers.utils import logging as transformers_logging

    for library in ("llmcompressor", "compressed_tensors"):
        logger.disable(library)
    try:
        logger.level("METRIC")
    except ValueError:
        # llm-compressor logs at this level even when it is switched off, but defines it only when it is not.
        logger.level("METRIC", no=38)
    verbosity, tracing = transformers_logging.get_verbosity(), logging.getLogger("torch.fx")
    level = tracing.level
    transformers_logging.set_verbosity_error()
    tracing.setLevel(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        tracing.setLevel(level)
