"""The names that the plugin, its fixtures and the gate share: the gate's among pytest's plugins, and the keys of an item's stash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_unicomp.api.records import CapabilityVerdict, Check, KernelReport

GATE = "unicomp-gate"
CHECKS: pytest.StashKey[list[Check]] = pytest.StashKey()
KERNELS: pytest.StashKey[list[KernelReport]] = pytest.StashKey()
# True if the fixture itself has skipped the test: there is nothing to ask.
EXCUSED: pytest.StashKey[bool] = pytest.StashKey()
POOLED: pytest.StashKey[CapabilityVerdict] = pytest.StashKey()
