"""Embedding models: which there are, what identifies them, and the one place that holds them."""

from skko.models.presets import ModelPreset, list_models
from skko.models.spec import ModelFacts, ModelSpec, mini_path

__all__ = ["ModelFacts", "ModelPreset", "ModelSpec", "list_models", "mini_path"]
