"""Linear layers in 8-bit integers against the exact ones."""

import numpy as np
import pytest
import torch

from skko.exceptions import MissingDependencyError
from skko.models.backends.openvino import _import_openvino
from skko.models.backends.quantisation import quantise_graph, quantise_linears


def linear(n_inputs, n_outputs, *, bias=True, seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(n_inputs, n_outputs, bias=bias))


def relative_error(found, exact):
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@torch.inference_mode()
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 40), (17, 40), (2, 5, 40)], ids=str)
def test_torch_layers_are_near_the_exact_ones(bias, shape):
    exact, rounded = linear(40, 24, bias=bias), quantise_linears(linear(40, 24, bias=bias))
    assert type(rounded[0]) is not torch.nn.Linear
    inputs = torch.randn(shape)
    assert rounded(inputs).shape == exact(inputs).shape
    assert 0 < relative_error(rounded(inputs).numpy(), exact(inputs).numpy()) < 0.02


@torch.inference_mode()
def test_torch_layers_do_exactly_what_they_say():
    layer = linear(40, 24)
    weights, bias = layer[0].weight.detach().double().numpy(), layer[0].bias.detach().double().numpy()
    inputs = torch.randn(9, 40)
    rows = inputs.double().numpy()
    by_row, by_output = np.abs(rows).max(1, keepdims=True) / 127, np.abs(weights).max(1, keepdims=True) / 127
    expected = (np.rint(rows / by_row) * by_row) @ (np.rint(weights / by_output) * by_output).T + bias
    # A value midway between two integers may fall to either side in single precision.
    np.testing.assert_allclose(quantise_linears(layer)(inputs).numpy(), expected, atol=2e-2)
    assert relative_error(quantise_linears(layer)(inputs).numpy(), expected) < 2e-3


@torch.inference_mode()
def test_a_row_does_not_depend_on_its_neighbours():
    layer = quantise_linears(linear(40, 24))
    inputs = torch.randn(6, 40)
    alone = layer(inputs[:1])
    inputs[1:] *= 1_000
    np.testing.assert_allclose(layer(inputs)[:1].numpy(), alone.numpy(), rtol=1e-6)


@torch.inference_mode()
def test_rows_and_weights_of_zeros_stay_zeros():
    layer = linear(40, 24, bias=False)
    layer[0].weight[3] = 0
    found = quantise_linears(layer)(torch.randn(2, 40))
    assert torch.isfinite(found).all()
    assert (found[:, 3] == 0).all()
    assert (layer(torch.zeros(2, 40)) == 0).all()


@pytest.mark.parametrize("by_output", [True, False])
@pytest.mark.parametrize(("n_inputs", "n_outputs"), [(128, 24), (48, 32), (37, 8)])
def test_graphs_are_near_the_exact_ones(n_inputs, n_outputs, by_output):
    try:
        _import_openvino()
    except MissingDependencyError:
        pytest.skip("needs OpenVINO")
    import openvino

    operations = openvino.opset13
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((n_outputs, n_inputs)).astype(np.float32)
    weights[2] = 0
    inputs = rng.standard_normal((5, n_inputs)).astype(np.float32)
    parameter = operations.parameter([-1, n_inputs], np.float32)
    constant = operations.constant(weights if by_output else np.ascontiguousarray(weights.T))
    graph = quantise_graph(openvino.Model([operations.matmul(parameter, constant, False, by_output)], [parameter]))
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert 0 < relative_error(compiled(inputs)[0], inputs @ weights.T) < 0.02
    constants = {str(node.get_element_type()) for node in graph.get_ops() if node.get_type_name() == "Constant"}
    assert "<Type: 'uint8_t'>" in constants
