"""Low-rank adapters (LoRA): put into a transformer before training, and merged into its weights after it."""

import warnings
from typing import Any

from skko.optional import import_optional

_DEFAULTS = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}


def add_adapters(model: Any, params: dict[str, Any]) -> None:
    """Freeze a model but for new adapters of its linear layers.

    Parameters
    ----------
    model : SentenceTransformer
        The model, which is changed.
    params : dict
        Parameters of ``peft.LoraConfig`` where they are not skko's: rank 16, alpha 32, no dropout, all linear layers.

    Raises
    ------
    ValueError
        If the model has no transformer to adapt.
    """
    peft = import_optional("peft", extra="lora", purpose="tune adapters instead of all weights (lora)")
    if model.transformers_model is None:
        raise ValueError("lora adapts the linear layers of a transformer, and this model has none. Pass lora=None.")
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    inner = model.transformers_model
    with warnings.catch_warnings():
        # peft asks transformers for an attribute by its old name, which is nothing that a user could change.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        # Its wrapper finds every linear layer; what it wraps is changed in place, so that the wrapper can go.
        peft.get_peft_model(inner, peft.LoraConfig(**{**_DEFAULTS, **params}))


def merge_adapters(model: Any) -> None:
    """Put each adapted layer back as a plain one with the sum of both weights.

    Parameters
    ----------
    model : SentenceTransformer
        A model with adapters, which is changed.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge()
                setattr(module, name, child.get_base_layer())
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    if hasattr(model.transformers_model, "peft_config"):
        del model.transformers_model.peft_config
