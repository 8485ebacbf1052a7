"""A stored folder is used only if it is, file by file and byte by byte, what its manifest lists, and the manifest is what was written."""

import json
import os

import pytest

from pytest_unicomp.store.folders import MANIFEST
from pytest_unicomp.store.local import Store
from pytest_unicomp.store.seal import digest

PARTS = {"model": "m" * 64}
KEY = digest(PARTS)


def fill(folder):
    (folder / "deep").mkdir()
    (folder / "model.safetensors").write_bytes(bytes(range(256)))
    (folder / "deep" / "config.json").write_text('{"eos_token_id": 5}')
    return {"fingerprint": "f" * 64}


@pytest.fixture
def lines():
    return []


@pytest.fixture
def made(tmp_path, lines):
    """A store with one folder, as the next run opens it, and that folder."""
    path, _ = Store(tmp_path).make_folder("artifacts", KEY, fill, PARTS)
    store = Store(tmp_path)
    store.notice = lines.append
    return store, path


def in_place(file, change):
    """Change a file and put back its times."""
    before = file.stat()
    file.write_bytes(change(file.read_bytes()))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(content):
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


def edit(change):
    def edited(content):
        document = json.loads(content)
        change(document)
        return json.dumps(document, indent=1).encode()

    return edited


DAMAGES = {
    "one bit of a weight": ("model.safetensors", flip, "model.safetensors"),
    "an id in a configuration": ("deep/config.json", lambda text: text.replace(b"5", b"7"), "deep/config.json"),
    "a file that was cut": ("model.safetensors", lambda content: content[:-1], "model.safetensors"),
    "the record": (MANIFEST, edit(lambda made: made["record"].update(fingerprint="0" * 64)), "manifest"),
    "a digest in the manifest": (MANIFEST, edit(lambda made: made["files"]["model.safetensors"].update(sha256="0" * 64)), "manifest"),
    "a file that is listed no more": (MANIFEST, edit(lambda made: made["files"].pop("model.safetensors")), "manifest"),
    "a manifest without its seal": (MANIFEST, edit(lambda made: made.pop("unicomp-seal")), "carries no digest"),
    "a manifest that was cut": (MANIFEST, lambda content: content[:40], "manifest"),
    "a manifest that is no text": (MANIFEST, lambda content: b"\xff\xfe", "manifest"),
}


def test_a_whole_folder_is_found_with_its_record(made, lines):
    store, path = made
    assert store.folder("artifacts", KEY) == (path, {"fingerprint": "f" * 64})
    assert lines == []


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_named_in_one_line_set_aside_and_made_again(made, lines, what):
    store, path = made
    name, change, named = DAMAGES[what]
    in_place(path / name, change)
    damaged = (path / name).read_bytes()
    assert store.folder("artifacts", KEY) is None
    (line,) = lines
    assert "\n" not in line
    assert f"artifacts/{KEY} is damaged" in line
    assert named in line
    (kept,) = (store.root / "quarantine").iterdir()
    assert (kept / KEY / name).read_bytes() == damaged, "what was damaged can still be looked at"
    assert str(kept) in line
    assert named in (kept / "reason.txt").read_text()
    again, record = store.make_folder("artifacts", KEY, fill, PARTS)
    assert store.folder("artifacts", KEY) == (again, record)


def test_a_file_that_came_in_later_is_damage_too(made, lines):
    store, path = made
    (path / "chat_template.jinja").write_text("{{ messages }}")
    assert store.folder("artifacts", KEY) is None
    assert "does not list chat_template.jinja" in lines[0]


def test_a_sound_folder_under_the_key_of_another_is_not_that_one(made, lines):
    store, path = made
    path.rename(path.with_name("0" * 32))
    assert store.folder("artifacts", "0" * 32) is None
    assert "differs from its digest" in lines[0]
