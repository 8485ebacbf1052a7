"""Are replies no longer, and no more of them cut or looping, than [reply_limits] in unicomp.toml allows?"""

import pytest


@pytest.mark.unicomp(question="reply_limits")
def test_reply_limits(reply_limits):
    reply_limits.assert_passed(binding=True)
