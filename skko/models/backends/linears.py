"""Linear layers of torch models replaced by ones that compute the same in another way."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any


def replace_linears(model: Any, make: Callable[[Any], Any]) -> Any:
    """Replace every linear layer of a model.

    Parameters
    ----------
    model : torch.nn.Module
        A model, which is changed.
    make : callable
        Turns a linear layer into what takes its place.

    Returns
    -------
    torch.nn.Module
        The same model.
    """
    import torch

    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is torch.nn.Linear:
                setattr(module, name, make(child))
    return model


def pack_linears(model: Any) -> Any:
    """Give the linear layers of a model to oneDNN where that is faster than what torch calls by itself.

    Parameters
    ----------
    model : torch.nn.Module
        A model in float32 on the CPU, which is changed: it can be run, and neither trained nor saved.

    Returns
    -------
    torch.nn.Module
        The same model.

    Notes
    -----
    torch multiplies float32 by MKL, which is at its best on Intel's own processors. On an AMD EPYC oneDNN took 0.6 to
    0.8 of the time, with the weights in its own layout (docs/decisions.md). On Intel nothing was measured, or changed.
    """
    return replace_linears(model, _packed_linear) if _is_slow_for_mkl() else model


def _is_slow_for_mkl() -> bool:
    import torch

    if platform.machine().lower() not in ("x86_64", "amd64") or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    backends: Any = torch.backends
    return bool(backends.mkl.is_available() and backends.mkldnn.is_available() and not _is_intel())


def _is_intel() -> bool:
    described = Path("/proc/cpuinfo")
    return "GenuineIntel" in (described.read_text(encoding="utf-8") if described.exists() else platform.processor())


def _packed_linear(linear: Any) -> Any:
    """A layer that does what a linear layer does, with its weights as oneDNN wants them."""
    import torch

    class PackedLinear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.in_features, self.out_features = linear.in_features, linear.out_features
            # No parameter and no buffer: nothing but the product can use a tensor of this layout.
            self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
            self.bias = None if linear.bias is None else linear.bias.detach()
            self.weight = linear.weight.detach().to("meta")  # some models ask for its type

        def forward(self, inputs: Any) -> Any:
            rows = inputs.reshape(-1, self.in_features)
            outputs = torch.ops.mkldnn._linear_pointwise(rows, self.packed, self.bias, "none", [], "")
            return outputs.view(*inputs.shape[:-1], self.out_features)

    return PackedLinear()
