"""Is the artifact a sound checkpoint, and what its recipe says it is?"""

import pytest


@pytest.mark.unicomp(question="artifact")
def test_artifact(artifact_check):
    artifact_check.assert_passed()
