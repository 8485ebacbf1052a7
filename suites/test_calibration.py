"""What does calibration text of the target's kind gain? Pruned and quantized recipes made twice (--unicomp-calibration-target), on the same items; informs."""

import pytest


@pytest.mark.unicomp(question="calibration")
def test_gain(calibration_gain):
    calibration_gain.assert_passed()
