"""Embedding models: which there are, what identifies them, and the one place that holds them."""

from skko.models.presets import ModelPreset, list_models
from skko.models.spec import ModelFacts, ModelSpec, mini_path
from skko.models.usage import RemoteUsage, remote_usage

__all__ = ["ModelFacts", "ModelPreset", "ModelSpec", "RemoteUsage", "list_models", "mini_path", "remote_usage"]
