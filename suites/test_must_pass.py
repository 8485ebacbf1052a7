"""Are the items right that must be right ([must_pass] in unicomp.toml)? Each of them, whatever the means say."""

import pytest


@pytest.mark.unicomp(question="must_pass")
def test_must_pass(must_pass):
    must_pass.assert_passed(binding=True)
