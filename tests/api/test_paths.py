from __future__ import annotations

from pathlib import Path

from pytest_unicomp.api.paths import typed


def test_a_home_is_replaced_and_one_that_nobody_has_stays_as_it_is_typed(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert typed("~/models/base") == tmp_path / "models/base"
    assert typed("~0/base") == Path("~0/base")
    assert typed("out/~x") == Path("out/~x")
