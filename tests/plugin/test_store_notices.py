from __future__ import annotations

from pytest_unicomp.plugin.store_notices import SHOWN, StoreNotices
from pytest_unicomp.store.local import Store


class Terminal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_line(self, line: str) -> None:
        self.lines.append(line)


def shown(tmp_path, lines: list[str]) -> list[str]:
    store, terminal = Store(tmp_path), Terminal()
    notices = StoreNotices(store)
    for line in lines:
        store.notice(line)
    # A hook with a wrapper around it is called as a plain function here.
    StoreNotices.pytest_terminal_summary(notices, terminal)
    return terminal.lines


def test_each_damaged_entry_is_shown_once(tmp_path):
    assert shown(tmp_path, ["a", "b", "a"]) == ["a", "b"]


def test_a_store_full_of_damage_does_not_bury_the_verdict(tmp_path):
    lines = shown(tmp_path, [f"entry {number}" for number in range(SHOWN + 20)])
    assert lines[:SHOWN] == [f"entry {number}" for number in range(SHOWN)]
    assert lines[SHOWN:] == ["unicomp: 20 more stored entries were damaged and moved to quarantine; each has a reason.txt there"]
