"""Linear layers in 8-bit integers: weights rounded once, inputs row by row as they come.

A row is rounded by its own largest value and not by its batch's, so that batches do not change vectors.
"""

from typing import Any

import numpy as np

from skko.models.backends.linears import replace_linears

# Inputs and weights that share a scale in OpenVINO. On XLM-RoBERTa of base shape with random weights, the processor's
# seconds and the least cosine to float32 were 0.56 and 0.9976 for groups of 32 inputs, 0.45 and 0.9975 for 64, and 0.45
# and 0.9969 for 128 with whole rows of weights; float32 took 1.14. Short groups keep a few large values from coarsening
# all others.
GROUP = 64
_LEVELS = 127


def quantise_graph(graph: Any) -> Any:
    """Put 8-bit weights into the matrix products of an OpenVINO graph.

    The CPU plugin rounds the inputs to 8 bits too where the processor multiplies such integers (AVX-VNNI or
    AVX512-VNNI), if it is told ``DYNAMIC_QUANTIZATION_GROUP_SIZE``; elsewhere only the weights are rounded.

    Parameters
    ----------
    graph : openvino.Model
        A graph in float32, which is changed.

    Returns
    -------
    openvino.Model
        The same graph.
    """
    for product in graph.get_ordered_ops():
        if product.get_type_name() != "MatMul":
            continue
        weights = product.input_value(1).get_node()
        # Attention multiplies activations with activations, whose shapes are not known and whose values are few.
        if weights.get_type_name() == "Constant" and len(weights.shape) == 2:
            by_output = product.get_attributes()["transpose_b"]
            product.input(1).replace_source_output(_rounded(weights.data, by_output).output(0))
    graph.validate_nodes_and_infer_types()
    return graph


def _rounded(weights: Any, by_output: bool) -> Any:
    """Weights as unsigned integers with a scale for each group of inputs: the pattern that OpenVINO looks for."""
    from openvino import opset13 as operations

    matrix = weights if by_output else weights.T
    n_outputs, n_inputs = matrix.shape
    group = max(size for size in range(1, GROUP + 1) if n_inputs % size == 0)
    groups = matrix.reshape(n_outputs, n_inputs // group, group)
    scales = np.maximum(np.abs(groups).max(axis=2, keepdims=True), np.float32(1e-30)) / np.float32(_LEVELS)
    integers = (np.rint(groups / scales) + 128).astype(np.uint8)
    zero = operations.convert(operations.constant(np.full((1, 1, 1), 128, dtype=np.uint8)), "f32")
    centred = operations.subtract(operations.convert(operations.constant(integers), "f32"), zero)
    whole = operations.reshape(
        operations.multiply(centred, operations.constant(scales)), operations.constant([n_outputs, n_inputs]), False
    )
    return whole if by_output else operations.transpose(whole, operations.constant([1, 0]))


def quantise_linears(model: Any) -> Any:
    """Replace the linear layers of a torch model by layers that multiply 8-bit integers.

    Parameters
    ----------
    model : torch.nn.Module
        A model in float32 on the CPU, which is changed.

    Returns
    -------
    torch.nn.Module
        The same model.

    Notes
    -----
    torch.ao.quantization is deprecated, and rounds the inputs of a whole batch by one scale, so that a text's vector
    would depend on its neighbours.
    """
    return replace_linears(model, _int8_linear)


def _int8_linear(linear: Any) -> Any:
    """A layer that does what a linear layer does, in 8 bits: a scale for each output and for each row of inputs."""
    import torch

    class Int8Linear(torch.nn.Module):
        scales: torch.Tensor
        integers: torch.Tensor
        bias: torch.Tensor | None

        def __init__(self) -> None:
            super().__init__()
            self.in_features, self.out_features = linear.in_features, linear.out_features
            weight = linear.weight.detach()
            scales = (weight.abs().amax(dim=1) / _LEVELS).clamp_min(1e-30)
            self.register_buffer("scales", scales)
            self.register_buffer("integers", (weight / scales[:, None]).round().to(torch.int8).t())
            self.register_buffer("bias", None if linear.bias is None else linear.bias.detach())

        def forward(self, inputs: Any) -> Any:
            rows = inputs.reshape(-1, self.in_features)
            scales = (rows.abs().amax(dim=1, keepdim=True) / _LEVELS).clamp_min(1e-30)
            integers = (rows / scales).round_().to(torch.int8)
            outputs = torch._int_mm(integers, self.integers).float().mul_(scales).mul_(self.scales)
            if self.bias is not None:
                outputs += self.bias
            return outputs.view(*inputs.shape[:-1], self.out_features)

    return Int8Linear()
