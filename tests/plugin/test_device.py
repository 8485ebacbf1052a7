"""`--unicomp-device`: where it is computed; auto is the CPU where no GPU answers."""

import pytest


def test_auto_and_cpu_share_their_measurements_where_there_is_no_gpu(gate):
    import torch

    if torch.cuda.is_available():
        pytest.skip("auto is a GPU here")
    assert "evaluate" not in gate("--unicomp-device=cpu").stdout.str()


@pytest.mark.parametrize("value", ["gpu", "cpu:1", "cuda:first"])
def test_a_device_that_is_none_is_refused(gate, value):
    result = gate(f"--unicomp-device={value}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--unicomp-device is '{value}'; expected auto, cpu, cuda, cuda:N or sharded*"])
