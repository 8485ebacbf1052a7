"""The wheel carries whatever a gate needs in an empty folder: the embedded model, suites, baselines, schema and templates; and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEGABYTES = 12


def files(folder):
    """Return the files below a folder of the checkout that are not left over from running it."""
    return {path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_with_its_data_the_suites_and_the_baselines_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {path.relative_to(ROOT).as_posix() for path in files("pytest_unicomp")}
    expected |= {f"pytest_unicomp/{path.relative_to(ROOT).as_posix()}" for folder in ("suites", "baselines") for path in files(folder)}
    assert sorted(expected - names) == []
    assert sorted(name for name in names - expected if ".dist-info/" not in name) == []


def test_programs_that_write_the_documentation_stay_out_of_the_wheel(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert (ROOT / "docs" / "tools" / "catalogue.py").is_file()
    assert [
        name for name in names if name.startswith("docs/") or "/tools/" in name or name.endswith(("catalogue.py", "readme_tables.py"))
    ] == []


def test_the_wheel_stays_small(wheel):
    assert wheel.stat().st_size < MEGABYTES * 2**20


def test_the_wheel_names_the_plugin_and_the_command(wheel):
    archive = zipfile.ZipFile(wheel)
    points = archive.read(next(name for name in archive.namelist() if name.endswith("entry_points.txt"))).decode()
    assert "unicomp = pytest_unicomp.plugin" in points
    assert "unicomp = pytest_unicomp.cli:main" in points
