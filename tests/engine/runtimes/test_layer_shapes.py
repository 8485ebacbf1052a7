"""The shapes of a model's linear layers."""

from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine.runtimes.layer_shapes import layer_shapes


def test_shapes_are_those_of_the_decoder_without_the_lm_head():
    found = {(shape.outputs, shape.inputs): (shape.layers, set(shape.names)) for shape in layer_shapes(NANO)}
    assert found == {
        (512, 256): (6, {"gate_proj", "up_proj"}),
        (256, 512): (3, {"down_proj"}),
        (256, 256): (6, {"q_proj", "o_proj"}),
        (128, 256): (6, {"k_proj", "v_proj"}),
    }
