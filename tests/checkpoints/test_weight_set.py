"""A folder whose weights are not one set of readable files is refused before anything runs, in one line."""

import json

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.lfs_pointer import is_pointer
from pytest_unicomp.checkpoints.safetensors_reader import weight_files
from pytest_unicomp.checkpoints.weight_set import missing_files, require_one_set

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "ab" * 32 + "\nsize 4332080\n"
INDEX = "model.safetensors.index.json"


def files(folder, *names, **contents):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    for name in names:
        (folder / name).write_bytes(b"\0" * 8)
    if "index" in contents:
        (folder / INDEX).write_text(json.dumps({"weight_map": contents["index"]}))
    return folder


BROKEN = {
    "two formats": (("model.safetensors", "model-Q4_K_M.gguf"), {}, "holds two formats, model-Q4_K_M.gguf and "),
    "two sets": (
        ("model.safetensors", "model-00001-of-00001.safetensors"),
        {"index": {"a": "model-00001-of-00001.safetensors"}},
        "two sets of weights",
    ),
    "an index that names nothing": (("model-00001-of-00001.safetensors",), {"index": None}, "has no weight_map"),
    "an index with no name of a file": (("model-00001-of-00001.safetensors",), {"index": {"a": {"b": 1}}}, "expected a file name"),
    "an index with too long a name": (("model-00001-of-00001.safetensors",), {"index": {"a": "b" * 300}}, "expected a file name"),
    "a pickle alone": (("pytorch_model.bin",), {}, r"found pytorch_model.bin, a pickle"),
    "nothing": ((), {}, r"holds no \*.safetensors weights"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_refused_in_one_line_that_says_what_to_do(name, tmp_path):
    names, contents, message = BROKEN[name]
    with pytest.raises(UsageProblem, match=message) as raised:
        hub.validate(str(files(tmp_path / "model", *names, **contents)), None)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_git_lfs_pointer_is_named(file, tmp_path):
    folder = files(tmp_path / "model", "model.safetensors")
    (folder / file).write_text(POINTER)
    assert is_pointer(folder / file)
    with pytest.raises(UsageProblem, match=rf"{file} (of .*)?is a Git LFS pointer.*git lfs pull"):
        hub.validate(str(folder), None)


def test_a_file_that_only_begins_alike_is_no_pointer(tmp_path):
    (tmp_path / "long.txt").write_text(POINTER + "x" * 2000)
    (tmp_path / "short.txt").write_text("version 1")
    assert not any(is_pointer(tmp_path / name) for name in ("long.txt", "short.txt", "none.txt"))


def test_a_missing_file_of_an_index_is_named(tmp_path):
    index = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    folder = files(tmp_path / "model", "model-00001-of-00002.safetensors", index=index)
    hub.validate(str(folder), None)
    assert missing_files(folder) == ["model-00002-of-00002.safetensors"]
    message = r"lacks model-00002-of-00002.safetensors, which .*index.json names \(1 missing in all\)"
    with pytest.raises(UsageProblem, match=message):
        hub.require_complete(str(folder), None)
    with pytest.raises(UsageProblem, match=message):
        hub.resolve(str(folder), None)
    files(folder, "model-00002-of-00002.safetensors")
    assert hub.resolve(str(folder), None) == folder
    hub.require_complete("org/not-here", None)


def test_pickles_beside_safetensors_are_no_second_set(tmp_path):
    folder = files(tmp_path / "model", "model.safetensors", "pytorch_model.bin")
    require_one_set(folder, "mine")
    assert [file.name for file in weight_files(folder)] == ["model.safetensors"]
