"""Reads the header of a GGUF file: its metadata and the offset of each tensor. A foreign file is read under limits, and nothing of it is run.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3. The `gguf` package reads it too, but follows the lengths
that a file states without a bound.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.foreign import require_regular

MAGIC = b"GGUF"
VERSIONS = (2, 3)
# Limits far above what any published file holds: the largest vocabularies have 262,144 tokens, the largest models some 20,000 tensors.
MOST_KEYS = 10_000
MOST_TENSORS = 1_000_000
MOST_ELEMENTS = 20_000_000
MOST_BYTES_OF_STRING = 16 * 2**20
MOST_DIMENSIONS = 4
# To each type of a value of fixed size its struct letter; 8 is a string, 9 an array.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


@dataclass(frozen=True)
class GgufTensor:
    """One stored tensor: its name, shape in torch's order (rows first), ggml type such as "Q4_K", and place in the file in bytes."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    bytes: int

    @property
    def elements(self) -> int:
        """Return the number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class GgufFile:
    """A GGUF file: path, metadata by key (strings, numbers, lists of them), and tensors by name."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]

    @property
    def architecture(self) -> str:
        """llama.cpp's name of the architecture, for instance "qwen3moe"."""
        return str(self.metadata["general.architecture"])

    def of_architecture(self, key: str, default: Any = None) -> Any:
        """Return the metadata value `<architecture>.<key>`, or the default."""
        return self.metadata.get(f"{self.architecture}.{key}", default)

    @property
    def parameters(self) -> int:
        """Return the number of elements of all tensors."""
        return sum(tensor.elements for tensor in self.tensors.values())

    @property
    def types(self) -> dict[str, int]:
        """To each tensor type the number of parameters that are stored in it, most first."""
        found: dict[str, int] = {}
        for tensor in self.tensors.values():
            found[tensor.type] = found.get(tensor.type, 0) + tensor.elements
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def read(path: Path) -> GgufFile:
    """Read the header of a GGUF file; no tensor is read.

    Raises UsageProblem, in one line, for a file that is not GGUF, of another version, cut short, split into parts, or beyond the limits.
    """
    require_regular(path)
    try:
        with path.open("rb") as stream:
            if stream.read(4) != MAGIC:
                raise UsageProblem(f"unicomp: {path} is not a GGUF file (it does not begin with GGUF); {_what_else(path)}")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                found = _Cursor(memoryview(mapped), path).file()
    except (OSError, ValueError) as error:
        raise UsageProblem(f"unicomp: {path} cannot be read: {getattr(error, 'strerror', None) or error}; expected a GGUF file.") from error
    parts = found.metadata.get("split.count", 0)
    if isinstance(parts, int) and parts > 1:
        raise UsageProblem(
            f"unicomp: {path} is one of {parts} parts; expected the whole model: llama-gguf-split --merge FIRST-PART WHOLE.gguf joins them."
        )
    return found


def _what_else(path: Path) -> str:
    with path.open("rb") as stream:
        beginning = stream.read(64)
    if beginning.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer: `git lfs pull` fetches the file."
    return "give the file that llama.cpp or Ollama loads."


class _Cursor:
    """Walks through the header; every length is checked against the file and the limits before it is followed."""

    def __init__(self, view: memoryview, path: Path) -> None:
        """Start after the magic bytes."""
        self._view, self._path, self._at = view, path, len(MAGIC)

    def file(self) -> GgufFile:
        """Parse the header into a GgufFile and release the buffer; raise ForeignFile if the header is damaged."""
        try:
            version, tensors, keys = self._unpack("IQQ")
            if version not in VERSIONS:
                raise self._broken(f"it is GGUF version {version}", f"version {' or '.join(map(str, VERSIONS))}")
            if keys > MOST_KEYS or tensors > MOST_TENSORS:
                raise self._broken(f"it states {keys} keys and {tensors} tensors", f"at most {MOST_KEYS} and {MOST_TENSORS}")
            metadata = dict(self._pair() for _ in range(keys))
            if not isinstance(metadata.get("general.architecture"), str):
                raise self._broken("its metadata name no general.architecture", "the name of one")
            entries = [self._entry() for _ in range(tensors)]
            alignment = metadata.get("general.alignment", 32)
            if not isinstance(alignment, int) or not 0 < alignment <= 2**20:
                raise self._broken(f"its alignment is {alignment!r}", "a small positive number")
            start = -(-self._at // alignment) * alignment
            found: dict[str, GgufTensor] = {}
            for name, shape, kind, offset in entries:
                if name in found:
                    raise self._broken(f"it holds the tensor {name} twice", "each name once")
                found[name] = self._tensor(name, shape, kind, start + offset)
            return GgufFile(self._path, metadata, found)
        finally:
            self._view.release()

    def _broken(self, found: str, expected: str) -> UsageProblem:
        return UsageProblem(f"unicomp: {self._path} is not a sound GGUF file: {found}; expected {expected}. Fetch or write it again.")

    def _take(self, size: int) -> int:
        if size > len(self._view) - self._at:
            raise self._broken(f"it ends at byte {len(self._view)} in the middle of its header", "a whole file")
        self._at += size
        return self._at - size

    def _unpack(self, letters: str) -> tuple[Any, ...]:
        form = f"<{letters}"
        return struct.unpack_from(form, self._view, self._take(struct.calcsize(form)))

    def _string(self) -> str:
        (length,) = self._unpack("Q")
        if length > MOST_BYTES_OF_STRING:
            raise self._broken(f"it states a string of {length} bytes", f"at most {MOST_BYTES_OF_STRING}")
        at = self._take(length)
        return bytes(self._view[at : at + length]).decode("utf-8", errors="replace")

    def _pair(self) -> tuple[str, Any]:
        key = self._string()
        (kind,) = self._unpack("I")
        return key, self._value(kind, nested=False)

    def _value(self, kind: int, *, nested: bool) -> Any:
        if kind in SCALARS:
            return self._unpack(SCALARS[kind])[0]
        if kind == STRING:
            return self._string()
        if kind != ARRAY or nested:
            raise self._broken(
                f"it holds a value of type {kind}" + (" inside a list" if nested else ""), "numbers, strings and lists of them"
            )
        element, count = self._unpack("IQ")
        if count > MOST_ELEMENTS:
            raise self._broken(f"it states a list of {count} elements", f"at most {MOST_ELEMENTS}")
        if element in SCALARS:
            return list(self._unpack(f"{count}{SCALARS[element]}")) if count else []
        return [self._value(element, nested=True) for _ in range(count)]

    def _entry(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._string()
        (dimensions,) = self._unpack("I")
        if dimensions > MOST_DIMENSIONS:
            raise self._broken(f"tensor {name} has {dimensions} dimensions", f"at most {MOST_DIMENSIONS}")
        sizes = self._unpack(f"{dimensions}Q") if dimensions else ()
        kind, offset = self._unpack("IQ")
        return name, tuple(reversed(sizes)), kind, offset

    def _tensor(self, name: str, shape: tuple[int, ...], kind: int, offset: int) -> GgufTensor:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

        try:
            stored = GGMLQuantizationType(kind)
        except ValueError:
            raise self._broken(f"tensor {name} is of the unknown ggml type {kind}", "a type that the gguf package knows") from None
        block, size = GGML_QUANT_SIZES[stored]
        if shape and shape[-1] % block:
            raise self._broken(f"rows of tensor {name} have {shape[-1]} numbers", f"a multiple of {block}, the block of {stored.name}")
        length = prod(shape) // block * size
        if offset + length > len(self._view):
            raise self._broken(f"tensor {name} would end at byte {offset + length}, the file at {len(self._view)}", "a whole file")
        return GgufTensor(name, shape, stored.name, offset, length)
