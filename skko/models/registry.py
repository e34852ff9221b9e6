"""The models of this process: each loaded once, shared by every estimator, the least used let go."""

import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Hashable

from skko.config import get_config
from skko.models.backends import load_encoder
from skko.models.encoder import Encoder
from skko.models.fingerprint import directory_fingerprint
from skko.models.recall import recall_facts, remember_facts
from skko.models.service import find_service
from skko.models.spec import ModelFacts, ModelSpec


class ModelRegistry:
    """Loaded models by spec.

    Estimators hold specs and ask here, so clones, folds and pickles share one copy of the weights. At most
    ``max_loaded_models`` (a setting) stay in memory; what is known of the others stays known.

    Attributes
    ----------
    n_loads : int
        How often a model was loaded.
    """

    def __init__(self) -> None:
        self.n_loads = 0
        self._reset()

    def get(self, spec: ModelSpec) -> Encoder:
        """Return the loaded model, loading it if it is not in memory.

        Parameters
        ----------
        spec : ModelSpec
            The model.

        Returns
        -------
        Encoder
            The one copy of it in this process.

        Raises
        ------
        ModelNotAvailableError
            If it cannot be loaded.
        """
        key = _key(spec)
        with self._lock:
            if key not in self._models:
                # Room is made first: two models of this size may not fit beside each other.
                while len(self._models) >= get_config()["max_loaded_models"]:
                    self._models.popitem(last=False)
                self._models[key] = load_encoder(spec)
                self.n_loads += 1
                self._facts[key] = self._models[key].facts
                remember_facts(spec, self._facts[key])
            self._models.move_to_end(key)
            return self._models[key]

    def facts(self, spec: ModelSpec) -> ModelFacts:
        """Return what is known of a model, loading it only if it was never loaded on this machine.

        Parameters
        ----------
        spec : ModelSpec
            The model.

        Returns
        -------
        ModelFacts
            Fingerprint, dimension, longest input and default prompt.
        """
        with self._lock:
            key = _key(spec)
            if key not in self._facts and (recalled := recall_facts(spec)) is not None:
                self._facts[key] = recalled
            return self._facts.get(key) or self.get(spec).facts

    def clear(self) -> None:
        """Let go of every model and of all that is known of them."""
        with self._lock:
            self._models.clear()
            self._facts.clear()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._models: OrderedDict[Hashable, Encoder] = OrderedDict()
        self._facts: dict[Hashable, ModelFacts] = {}


def _key(spec: ModelSpec) -> Hashable:
    """The spec, and what its name means by now: other weights under the same path are another model."""
    if (service := find_service(spec.name)) is not None:
        return spec, service.identity
    directory = spec.directory
    return spec if directory is None else (spec, directory_fingerprint(directory))


def _start_anew() -> None:
    """In a child that was forked: a thread that held the lock does not exist there, nor do torch's threads.

    GNU OpenMP waits for its threads for ever if its parent had any; with one it asks for none.
    """
    registry._reset()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


registry = ModelRegistry()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
