"""Is the artifact no larger than the reference?"""

import pytest


@pytest.mark.unicomp(question="size")
def test_size(size):
    size.assert_passed()
