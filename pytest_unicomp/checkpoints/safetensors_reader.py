"""Read safetensors files without torch: names and shapes from the headers, zeros from the raw numbers, packed integers unpacked."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from pytest_unicomp.api.errors import UsageProblem, one_line
from pytest_unicomp.api.foreign import LARGEST_TOKENIZER, ForeignFile, json_value, read_object, require_regular
from pytest_unicomp.checkpoints.lfs_pointer import MEANING, is_pointer

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
CHUNK = 1 << 22
# Bytes of a file's name on every common file system.
LONGEST_NAME = 255
LONGEST_HEADER = 100_000_000
# Bytes and elements: far above any file, and within 64 bits.
LARGEST_COUNT = 1 << 48
IN_BLOCK = re.compile(r"\.\d+\.")
WIDTHS = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "F8_E4M3": 1, "F8_E5M2": 1}
UNSIGNED: dict[int, type[np.unsignedinteger[Any]]] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
ATTACHED = (
    *("weight_scale", "weight_scale_2", "weight_zero_point", "weight_shape", "weight_g_idx", "weight_global_scale", "weight_scale_inv"),
    *("input_scale", "input_zero_point", "input_global_scale", "output_scale", "output_zero_point", "k_scale", "v_scale"),
    *("qzeros", "scales", "g_idx", "inv_freq", "weight_scale_2"),
    *("absmax", "quant_map", "nested_absmax", "nested_quant_map", "bitsandbytes__nf4", "bitsandbytes__fp4", "SCB", "weight_format"),
)


@dataclass(frozen=True)
class Tensor:
    """One entry of a safetensors header: where its bytes lie, of which type (as safetensors writes it) and shape they are."""

    name: str
    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    def read(self, dtype: Any) -> np.memmap[Any, Any]:
        """Map the tensor's bytes as numbers of `dtype` in its shape (which must fit); nothing is copied."""
        return np.memmap(self.file, dtype=dtype, mode="r", offset=self.start, shape=self.shape)


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that transformers loads of a checkpoint: the whole one, or those that the index names; all if there is neither.

    Raises UsageProblem for an index without a weight_map, or one that names a file outside the folder.
    """
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        names = sorted(set(weight_map(folder).values()))
        outside = [name for name in names if Path(name).is_absolute() or ".." in Path(name).parts]
        if outside:
            raise UsageProblem(
                f"unicomp: {folder / INDEX} names {outside[0]}, outside its folder; expected files within it: write the checkpoint again."
            )
        return [folder / name for name in names]
    return sorted(folder.glob("*.safetensors"))


def weight_map(folder: Path) -> dict[str, str]:
    """Return the name of each tensor's file, as the index says. Raises UsageProblem for an index without such a map, or with what names no file."""
    content = read_object(folder / INDEX, LARGEST_TOKENIZER).get("weight_map")
    if not isinstance(content, dict):
        raise UsageProblem(
            f"unicomp: {folder / INDEX} has no weight_map (tensor name to file name); download the folder again or save the model anew."
        )
    for tensor, file in content.items():
        if not isinstance(file, str) or not 0 < len(file.encode("utf-8", "surrogatepass")) <= LONGEST_NAME:
            raise UsageProblem(
                f"unicomp: {folder / INDEX} gives {one_line(tensor, longest=80)} the file {one_line(repr(file), longest=80)}; expected a file "
                "name: download the folder again or save the model anew."
            )
    return content


def headers(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the headers (https://huggingface.co/docs/safetensors, "Format") of all files; raises UsageProblem for what is none."""
    found: dict[str, Tensor] = {}
    for file in files:
        if is_pointer(file):
            raise UsageProblem(f"unicomp: {file} is {MEANING}.")
        if not file.exists():
            raise UsageProblem(f"unicomp: {file}, which {INDEX} names, is missing; download or copy the folder again.")
        require_regular(file)
        try:
            own = list(_entries(file))
        except ForeignFile as error:
            raise UsageProblem(
                f"unicomp: {file} is not a readable safetensors file (it {error.found}); download or convert it again."
            ) from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error) as error:
            reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError | TypeError | AttributeError) else str(error)
            raise UsageProblem(f"unicomp: {file} is not a readable safetensors file ({reason}); download or convert it again.") from error
        for tensor in own:
            if tensor.stop > file.stat().st_size:
                raise UsageProblem(
                    f"unicomp: {file} is cut short (tensor {one_line(tensor.name, longest=120)} ends beyond it); download or convert it again."
                )
            width = WIDTHS.get(tensor.dtype)
            if width is not None and prod(tensor.shape) * width != tensor.stop - tensor.start:
                raise UsageProblem(
                    f"unicomp: {file}: tensor {one_line(tensor.name, longest=120)} has {tensor.stop - tensor.start} bytes for shape "
                    f"{list(tensor.shape[:8])} of {tensor.dtype}; expected {str(prod(tensor.shape) * width)[:30]}; download or convert it again."
                )
            found[tensor.name] = tensor
    return found


def _entries(file: Path) -> Iterator[Tensor]:
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > LONGEST_HEADER:
            raise ValueError(f"its header would be {length} bytes long")
        header = json_value(stream.read(length), file)
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    for name, entry in header.items():
        if name != "__metadata__":
            start, stop = (8 + length + _count(offset) for offset in entry["data_offsets"])
            yield Tensor(name, file, str(entry["dtype"]), tuple(map(_count, entry["shape"])), start, stop)


def _count(value: Any) -> int:
    """Return a size or an offset; raise ValueError for what is none."""
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        raise ValueError(f"a shape or an offset is {str(value)[:40]!r}")
    return value


def logical_parameters(tensors: dict[str, Tensor], config: dict[str, Any]) -> int:
    """Count the parameters of the architecture: packed weights unpacked, scales and zero points left out, tied embeddings once."""
    tied = config.get("tie_word_embeddings", False) and any("embed" in name for name in tensors)
    total = 0
    for name, tensor in tensors.items():
        if name.rsplit(".", 1)[-1] in ATTACHED or (tied and name.endswith("lm_head.weight")):
            continue
        if name.endswith((".weight_packed", ".qweight")):
            total += prod(unpacked_shape(tensor, tensors, config))
        else:
            total += (2 if _float_pairs(name, tensors) else 1) * prod(tensor.shape)
    return total


def _float_pairs(name: str, tensors: dict[str, Tensor]) -> bool:
    """Return True if a byte of the weight holds two 4-bit floats: bitsandbytes' beside their scales, ModelOpt's beside a second scale."""
    return tensors[name].dtype == "U8" and (f"{name}.absmax" in tensors or f"{name}_scale_2" in tensors)


def block_sparsity(tensors: dict[str, Tensor], config: dict[str, Any]) -> float:
    """Return the share (0 to 1) of exact zeros in the matrices of the decoder blocks; a packed integer counts if it dequantizes to 0.

    Formats that are not unpacked here (AutoAWQ's and AutoGPTQ's `qweight`, packed floats) are left out; 0.0 if nothing is left.
    """
    zeros = total = 0
    for name, tensor in tensors.items():
        kind = name.rsplit(".", 1)[-1]
        if not IN_BLOCK.search(name) or len(tensor.shape) < 2 or kind in ATTACHED or kind == "qweight" or _float_pairs(name, tensors):
            continue
        if kind == "weight_packed":
            if tensor.dtype != "I32":
                continue
            zeros += _packed_zeros(tensor, tensors, config)
            total += prod(unpacked_shape(tensor, tensors, config))
        elif tensor.dtype in WIDTHS:
            zeros += _plain_zeros(tensor)
            total += prod(tensor.shape)
    return zeros / total if total else 0.0


def _plain_zeros(tensor: Tensor) -> int:
    width = WIDTHS[tensor.dtype]
    signed = tensor.dtype.startswith(("F", "BF"))
    # A float is zero if all bits but the sign are: that also counts -0.0, and needs no bfloat16 in numpy.
    keep = (1 << (8 * width - 1)) - 1 if signed else (1 << (8 * width)) - 1
    numbers = tensor.read(UNSIGNED[width]).reshape(-1)
    mask = UNSIGNED[width](keep)
    return sum(int(np.count_nonzero((numbers[i : i + CHUNK] & mask) == 0)) for i in range(0, numbers.size, CHUNK))


def _packed_zeros(tensor: Tensor, tensors: dict[str, Tensor], config: dict[str, Any]) -> int:
    return sum(int(np.count_nonzero(mask)) for mask in packed_zero_masks(tensor, tensors, config))


def packed_zero_masks(tensor: Tensor, tensors: dict[str, Tensor], config: dict[str, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """Yield, for chunks of rows (outputs x inputs), a boolean mask of the codes in an int32 `weight_packed` that dequantize to 0.

    Codes are stored shifted up by 2^(bits-1), rows as one bit stream, lowest bit first (compressed-tensors, pack_quantized/helpers.py).
    """
    rows, columns = unpacked_shape(tensor, tensors, config)
    bits = 32 * tensor.shape[1] // columns
    points = tensors.get(tensor.name.replace("weight_packed", "weight_zero_point"))
    words = tensor.read("<i4")
    for start, stop in row_chunks(rows, columns):
        stored = codes(words[start:stop], bits, columns)
        if points is None:
            yield stored == 1 << (bits - 1)
        else:
            offsets = _zero_points(points, bits, rows)[start:stop]
            yield stored == np.repeat(offsets, columns // offsets.shape[1], axis=1)


def _zero_points(points: Tensor, bits: int, rows: int) -> np.ndarray[Any, Any]:
    """Return the code of 0 per row and group; compressed-tensors packs zero points along the rows."""
    if points.dtype == "I32":
        return codes(np.ascontiguousarray(points.read("<i4").T), bits, rows).T
    return points.read(np.int8).astype(np.uint8) + np.uint8(1 << (bits - 1))


def codes(words: np.ndarray[Any, Any], bits: int, columns: int) -> np.ndarray[Any, Any]:
    """Unpack rows of 32-bit words (rows x words), each one bit stream with the lowest bit first, into rows x columns codes of `bits` (1 to 8)."""
    stream = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little", count=columns * bits)
    return np.packbits(stream.reshape(len(words), columns, bits), axis=2, bitorder="little")[:, :, 0]


def row_chunks(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) over the rows so that a piece holds about CHUNK elements."""
    step = max(1, CHUNK // columns)
    return ((start, min(start + step, rows)) for start in range(0, rows, step))


def unpacked_shape(tensor: Tensor, tensors: dict[str, Tensor], config: dict[str, Any]) -> tuple[int, ...]:
    """Return the shape of the weight before packing, (outputs, inputs); for `qweight` only the number of elements, as a 1-tuple."""
    shape = tensors.get(tensor.name.replace("weight_packed", "weight_shape"))
    if tensor.name.endswith(".weight_packed") and shape is not None:
        return tuple(int(side) for side in shape.read("<i8"))
    if tensor.dtype == "U8":
        return (*tensor.shape[:-1], 2 * tensor.shape[-1])
    bits = int((config.get("quantization_config") or {}).get("bits", 4))
    return (prod(tensor.shape) * 32 // bits,)
