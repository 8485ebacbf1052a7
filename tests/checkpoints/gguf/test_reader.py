from __future__ import annotations

import struct
from pathlib import Path

import pytest
from gguf import GGUFReader
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys

SCALARS = {4: ("I", st.integers(0, 2**32 - 1)), 5: ("i", st.integers(-(2**31), 2**31 - 1)), 10: ("Q", st.integers(0, 2**64 - 1))}


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def header(pairs: list[bytes], tensors: list[bytes] = [], *, version: int = 3) -> bytes:  # noqa: B006 (read alone)
    named = string("general.architecture") + struct.pack("<I", 8) + string("llama")
    return b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs) + 1) + named + b"".join(pairs) + b"".join(tensors)


def pair(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gguf_toys.write(NANO, tmp_path_factory.mktemp("gguf") / "nano-Q8_0.gguf")


def test_a_file_of_the_gguf_package_reads_as_that_package_reads_it(nano):
    mine, theirs = gguf.read(nano), GGUFReader(nano)
    assert mine.architecture == "llama"
    assert mine.metadata["tokenizer.ggml.tokens"] == theirs.fields["tokenizer.ggml.tokens"].contents()
    assert {name: (tensor.offset, tensor.bytes, tensor.type) for name, tensor in mine.tensors.items()} == {
        tensor.name: (int(tensor.data_offset), int(tensor.n_bytes), tensor.tensor_type.name) for tensor in theirs.tensors
    }


def test_a_header_cut_anywhere_is_refused_in_one_line(nano, tmp_path):
    content = nano.read_bytes()
    whole = min(tensor.offset for tensor in gguf.read(nano).tensors.values())
    for length in {4, 8, 23, 24, 40, *range(100, whole, whole // 40), len(content) - 1}:
        with pytest.raises(UsageProblem, match=r"^unicomp: \S+model\.gguf is not a") as problem:
            gguf.read(written(tmp_path, content[:length]))
        assert "\n" not in str(problem.value)


@given(
    st.dictionaries(st.text(min_size=1, max_size=20).filter(lambda key: key != "general.architecture"), st.sampled_from(sorted(SCALARS))),
    st.data(),
)
def test_numbers_strings_and_lists_come_back_as_they_were_written(tmp_path_factory, kinds, data):
    values = {key: data.draw(SCALARS[kind][1]) for key, kind in kinds.items()}
    pairs = [pair(key, kind, struct.pack(f"<{SCALARS[kind][0]}", values[key])) for key, kind in kinds.items()]
    words = data.draw(st.lists(st.text(max_size=8), max_size=5))
    pairs.append(pair("general.architecture.words", 9, struct.pack("<IQ", 8, len(words)) + b"".join(map(string, words))))
    path = written(tmp_path_factory.mktemp("values"), header(pairs))
    assert gguf.read(path).metadata == {"general.architecture": "llama", **values, "general.architecture.words": words}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (header([], version=9), "GGUF version 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "1152921504606846976 tensors"),
        (header([pair("x", 8, struct.pack("<Q", 2**50))]), "a string of 1125899906842624 bytes"),
        (header([pair("x", 9, struct.pack("<IQ", 4, 2**60))]), "a list of 1152921504606846976 elements"),
        (header([pair("x", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 9, 1))]), "a value of type 9 inside a list"),
        (header([pair("x", 77, b"")]), "a value of type 77"),
        (header([], [string("w") + struct.pack("<I", 60)]), "60 dimensions"),
        (header([], [string("w") + struct.pack("<IQIQ", 1, 32, 999, 0)]), "unknown ggml type 999"),
        (header([], [string("w") + struct.pack("<IQIQ", 1, 33, 8, 0)]), "rows of tensor w have 33 numbers"),
        (header([], [string("w") + struct.pack("<IQIQ", 1, 2**40, 0, 0)]), "tensor w would end at byte"),
        (header([], [string("w") + struct.pack("<IQIQ", 1, 0, 0, 0)] * 2) + bytes(64), "the tensor w twice"),
        (header([pair("general.alignment", 4, struct.pack("<I", 0))]), "its alignment is 0"),
    ],
)
def test_a_hostile_header_is_refused_before_its_lengths_are_followed(tmp_path, content, found):
    with pytest.raises(UsageProblem, match=f"is not a sound GGUF file: .*{found}"):
        gguf.read(written(tmp_path, content))


def test_a_git_lfs_pointer_says_how_to_fetch_the_file(tmp_path):
    with pytest.raises(UsageProblem, match="Git LFS pointer"):
        gguf.read(written(tmp_path, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"))


def test_one_part_of_a_split_model_says_how_to_join_them(tmp_path):
    with pytest.raises(UsageProblem, match=r"one of 3 parts.*llama-gguf-split --merge"):
        gguf.read(written(tmp_path, header([pair("split.count", 2, struct.pack("<H", 3))])))


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="is not a GGUF file"):
        gguf.read(written(tmp_path, b""))
