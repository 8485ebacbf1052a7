"""How fast are the linear layers of this model on the kernels of formats, on this device? It informs; a kernel that is not here is said so."""

import pytest


@pytest.mark.unicomp(question="kernel")
def test_kernel(kernel):
    kernel.assert_passed()
