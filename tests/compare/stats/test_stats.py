"""The package as a whole."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_statistics_loads_neither_numpy_nor_scipy():
    code = "import sys, pytest_unicomp.compare, pytest_unicomp.compare.stats; print([name for name in ('numpy', 'scipy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
