"""The table of limits in docs/security.md, from the constants that hold them."""

from __future__ import annotations

from docs.tools.catalogue import table
from pytest_unicomp.api import foreign
from pytest_unicomp.checkpoints import safetensors_reader
from pytest_unicomp.checkpoints.gguf import reader
from pytest_unicomp.checkpoints.tokenization import comparison, growth
from pytest_unicomp.cli.commands import selftest
from pytest_unicomp.config import parsers, waivers
from pytest_unicomp.engine.serving import endpoint, http_client, lm


def limits_table() -> str:
    """One row per limit: what it bounds, and the value."""
    rows = [
        ("`config.json` and other small JSON files of a checkpoint", _bytes(foreign.LARGEST_CONFIGURATION)),
        ("`tokenizer.json`, and the index of a checkpoint's weights", _bytes(foreign.LARGEST_TOKENIZER)),
        ("a report, a baseline, the manifest of a bundle", _bytes(foreign.LARGEST_REPORT)),
        ("a file of per-item scores", _bytes(foreign.LARGEST_ITEMS)),
        ("`unicomp.toml`, `pyproject.toml`", _bytes(foreign.LARGEST_TOML)),
        ("lists and objects inside each other", f"{foreign.DEEPEST}"),
        ("digits of an integer in JSON", f"{foreign.LONGEST_INTEGER}"),
        ("an integer in TOML", "64 bits"),
        ("a count or a seed among the options", f"{parsers.LARGEST:,}"),
        ("the header of a safetensors file", f"{safetensors_reader.LONGEST_HEADER:,} bytes"),
        ("a size or an offset in it", f"{safetensors_reader.LARGEST_COUNT:,}"),
        ("metadata and tensors of a GGUF file", f"{reader.MOST_KEYS:,} and {reader.MOST_TENSORS:,}"),
        ("elements of a list, and bytes of a text, in its metadata", f"{reader.MOST_ELEMENTS:,} and {reader.MOST_BYTES_OF_STRING:,}"),
        ("how many times as long a tokenizer's rules can make a text", f"{growth.MOST_GROWTH}"),
        ("trying a foreign tokenizer, in a process of its own", f"{comparison.SECONDS} s and {_bytes(comparison.BYTES)}"),
        ("days until a waiver expires", f"{waivers.LONGEST.days}"),
        ("items of one check that `unicomp selftest` simulates", f"{selftest.MOST_ITEMS:,}"),
        ("the answer of a server", _bytes(http_client.MAX_BODY_BYTES)),
        ("a request to a server in all; one that scores or generates", f"{endpoint.SECONDS} s; {lm.TIMEOUT_SECONDS} s"),
        ("redirects on the same server", f"{http_client.MAX_REDIRECTS}; none while scoring"),
    ]
    return table(("what", "limit"), rows)


def _bytes(count: int) -> str:
    unit, name = (1 << 30, "GiB") if count >= 1 << 30 else (1 << 20, "MiB")
    return f"{count // unit} {name}"
