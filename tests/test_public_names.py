"""`pytest_unicomp` offers its public names, and importing it costs nothing until one is asked for."""

import subprocess
import sys

import pytest

import pytest_unicomp


@pytest.mark.parametrize("name", pytest_unicomp.__all__)
def test_a_public_name_is_the_thing_itself(name):
    assert getattr(pytest_unicomp, name).__name__ == name
    assert name in dir(pytest_unicomp)


def test_every_name_that_is_offered_has_a_home():
    assert sorted(name for names in pytest_unicomp._HOMES.values() for name in names) == sorted(pytest_unicomp.__all__)


def test_an_unknown_name_is_an_attribute_error_and_a_submodule_is_still_found():
    with pytest.raises(AttributeError, match="has no attribute 'Rnu'"):
        _ = pytest_unicomp.Rnu
    from pytest_unicomp.config import margins

    assert margins.__name__ == "pytest_unicomp.config.margins"


def test_importing_the_package_imports_nothing_else():
    program = "import sys; import pytest_unicomp; print([name for name in sys.modules if name.startswith('pytest_unicomp.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
