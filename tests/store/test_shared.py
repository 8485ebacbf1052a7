"""Two machines with cache folders of their own share what each has finished under one address."""

import json

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.store.local import MANIFEST, Store
from pytest_unicomp.store.shared import SharedStore, opened


@pytest.fixture
def machines(tmp_path, monkeypatch):
    """A function that gives the store of a machine by its name."""

    def of(name):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        return opened(f"file://{tmp_path}/shared")

    return of


def fill(folder):
    (folder / "deep").mkdir()
    (folder / "deep" / "weights").write_bytes(b"12345")
    (folder / "config.json").write_text("{}")
    return {"recipe": "wanda-50"}


def test_a_folder_is_opened_as_a_store_and_an_address_as_a_shared_one(tmp_path):
    assert type(opened(tmp_path)) is Store
    assert isinstance(opened(f"file://{tmp_path}"), SharedStore)


def test_a_document_of_one_machine_is_read_by_another_which_keeps_a_copy(machines):
    machines("one").write("measurements", "key", {"value": 1})
    second = machines("two")
    assert second.read("measurements", "key") == {"value": 1}
    assert Store(second.root).read("measurements", "key") == {"value": 1}
    assert second.read("measurements", "other") is None


def test_a_folder_of_one_machine_is_fetched_whole(machines):
    machines("one").make_folder("artifacts", "key", fill)
    path, record = machines("two").folder("artifacts", "key")
    assert record == {"recipe": "wanda-50"}
    assert (path / "deep" / "weights").read_bytes() == b"12345"
    assert "two" in str(path)


@pytest.mark.parametrize("what", ["changed", "missing", "unfinished", "elsewhere"])
def test_a_shared_folder_that_is_not_what_was_written_counts_as_none(machines, tmp_path, what):
    machines("one").make_folder("artifacts", "key", fill)
    there = tmp_path / "shared" / "artifacts" / "key"
    if what == "changed":
        (there / "deep" / "weights").write_bytes(b"54321")
    elif what == "missing":
        (there / "config.json").unlink()
    elif what == "unfinished":
        (there / MANIFEST).unlink()
    else:
        manifest = json.loads((there / MANIFEST).read_text())
        manifest["files"]["../../stray"] = manifest["files"].pop("config.json")
        (there / MANIFEST).write_text(json.dumps(manifest))
    second = machines("two")
    assert second.folder("artifacts", "key") is None
    assert not list(second.root.rglob("stray"))
    assert not list((second.root / "artifacts").glob(".key*"))


def test_nothing_half_written_is_left_on_the_shared_part(machines, tmp_path):
    machines("one").make_folder("artifacts", "key", fill)
    machines("one").write("measurements", "key", {"value": 1})
    assert not list((tmp_path / "shared").rglob("*.part"))


def test_a_token_is_seen_by_every_machine(machines):
    token = machines("one").leave_token()
    assert machines("two").seen(token)
    assert machines("two").seen(token, remove=True)
    assert not machines("one").seen(token)


def test_an_address_that_nothing_understands_is_refused():
    with pytest.raises(UsageProblem, match="--unicomp-cache=nosuch://bucket cannot be opened"):
        opened("nosuch://bucket")


def test_a_shared_part_that_refuses_is_a_matter_of_infrastructure(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InfrastructureError, match="does not respond"):
        opened(f"file://{tmp_path}/file/store").require_writable()
