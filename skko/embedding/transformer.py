"""KoEmbeddingTransformer: Korean texts in, vectors out, as a scikit-learn step."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted

from skko.base import Interval, Options, StrOptions, TextEstimator, fit_context
from skko.config import get_config
from skko.embedding.cache import EmbeddingCache, open_cache
from skko.embedding.device import resolve_devices
from skko.embedding.encode import encode_texts
from skko.exceptions import ModelMismatchError
from skko.models.backends import needs_no_device
from skko.models.registry import registry
from skko.models.spec import ModelSpec
from skko.progress import ShowProgress
from skko.similarity import unit_rows


class KoEmbeddingTransformer(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, TextEstimator):
    """Embed Korean texts with a sentence-embedding model.

    Parameters
    ----------
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Id of a model on the hub, a local directory, or ``"skko-mini"``, which comes with skko. A
        :class:`~skko.models.ModelSpec` also carries a revision and ``trust_remote_code``. A model of a service is
        ``"openai:…"``, ``"cohere:…"``, ``"upstage:…"`` or ``"http://host:port/v1#model"``, and needs the extra
        ``skko[remote]``.
    device : str or list of str, default="auto"
        ``"auto"`` takes the first of cuda, mps, xpu and cpu that works, and the CPU for a static model; or a name such
        as ``"cuda:1"``; or several, each of which loads the model and takes a share of the batches.
    backend : {"torch", "openvino"}, default="torch"
        What computes the vectors. ``"openvino"`` is for CPUs; it converts the model once, and needs the extra
        ``skko[openvino]``.
    dtype : {"auto", "float32", "float16", "bfloat16", "int8"}, default="auto"
        Type of weights and arithmetic. ``"auto"`` is float32, whatever the checkpoint is stored in. The others change
        vectors a little: see Notes.
    prompt : str or None, default=None
        Text put before every text, such as ``"query: "``. None is the model's own default; ``""`` is none.
    max_length : int or None, default=None
        Longest input in tokens; longer texts are cut, with a warning. None is what the model reads.
    truncate_dim : int or None, default=None
        Keep only the first dimensions, for models trained so (Matryoshka). None keeps all.
    normalize : bool, default=True
        Scale every vector to unit length, after ``truncate_dim``, so that a dot product is a cosine.
    batch_tokens : int or "auto", default="auto"
        Most tokens in a batch, padding included. It changes speed and memory, not vectors.
    cache : EmbeddingCache, "auto", path or False, default="auto"
        Where vectors are kept, so that each text is embedded once, however many folds, candidates, processes and days
        ask for it. ``"auto"`` is the folder ``embeddings`` under the setting ``cache_dir``; a path is another
        directory. False keeps nothing.
    show_progress : bool or "auto", default="auto"
        ``"auto"`` shows a bar on a terminal after two seconds.

    Attributes
    ----------
    embedding_dim_ : int
        Length of the vectors that ``transform`` returns.
    model_fingerprint_ : str
        Digest of the weights and settings that decide the vectors.
    device_ : str or list of str
        Device chosen in ``fit``, or devices.
    n_features_out_ : int
        Same as ``embedding_dim_``.

    See Also
    --------
    KoTextNormalizer : Repair the spelling of texts first.
    KoMorphemeVectorizer : Lexical features to put beside the vectors.

    Notes
    -----
    The model is held by the process and not by the estimator: clones, folds and pickles share it, and a pickle is a
    few hundred bytes. The default model is BGE-M3 [1]_ tuned for Korean: 1,024 dimensions, 8,192 tokens, CLS pooling.

    Least cosine to the vectors in float32, of 66 Korean texts by a model of XLM-RoBERTa's base shape with random
    weights on a CPU (``python -m benchmarks.encode``): bfloat16 0.9997 on torch and 0.9998 on OpenVINO, int8 0.9955
    and 0.9969. Trained weights may do better or worse; OpenVINO compares three sentences at every load and refuses less
    than 0.995. int8 is for CPUs. float16 is for accelerators, and has not been measured on one.

    References
    ----------
    .. [1] Chen et al., "BGE M3-Embedding: Multi-Lingual, Multi-Functionality, Multi-Granularity Text Embeddings
       Through Self-Knowledge Distillation", 2024, https://arxiv.org/abs/2402.03216

    Examples
    --------
    >>> from skko import KoEmbeddingTransformer
    >>> embedder = KoEmbeddingTransformer("skko-mini").fit([])
    >>> embedder.transform(["배송이 늦어요", "환불해 주세요"]).shape
    (2, 256)
    >>> embedder.similarity(["배송이 너무 늦어요"], ["배송이 늦네요", "오늘 날씨가 좋다"]).argmax()
    np.int64(0)
    """

    _parameter_constraints = {
        "model": [str, ModelSpec],
        "device": [str, list, tuple],
        "backend": [StrOptions({"torch", "openvino"})],
        "dtype": [StrOptions({"auto", "float32", "float16", "bfloat16", "int8"})],
        "prompt": [str, None],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "truncate_dim": [Interval(Integral, 1, None, closed="left"), None],
        "normalize": ["boolean"],
        "batch_tokens": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "cache": [EmbeddingCache, str, os.PathLike, Options(bool, {False})],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        model: str | ModelSpec = "dragonkue/bge-m3-ko",
        *,
        device: str | Sequence[str] = "auto",
        backend: str = "torch",
        dtype: str = "auto",
        prompt: str | None = None,
        max_length: int | None = None,
        truncate_dim: int | None = None,
        normalize: bool = True,
        batch_tokens: int | Literal["auto"] = "auto",
        cache: EmbeddingCache | str | os.PathLike[str] | Literal[False] = "auto",
        show_progress: ShowProgress = "auto",
    ) -> None:
        self.model = model
        self.device = device
        self.backend = backend
        self.dtype = dtype
        self.prompt = prompt
        self.max_length = max_length
        self.truncate_dim = truncate_dim
        self.normalize = normalize
        self.batch_tokens = batch_tokens
        self.cache = cache
        self.show_progress = show_progress

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> "KoEmbeddingTransformer":
        """Find the model and the device; the texts teach nothing and are only checked.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts; ``[]`` will do.
        y : None
            Ignored.

        Returns
        -------
        KoEmbeddingTransformer
            The fitted transformer.

        Raises
        ------
        ModelNotAvailableError
            If the model cannot be found, reached or read.
        DeviceNotAvailableError
            If the named device does not exist.
        TypeError, ValueError
            If a row is not a text, or ``truncate_dim`` is more than the model has.
        """
        self._validate_texts(X, reset=True)
        self._resolve()
        return self

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: ArrayLike, y: Any = None, **fit_params: Any) -> NDArray[np.float32]:
        """Find the model and embed the texts; scikit-learn callbacks are told of every batch.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : None
            Ignored.
        **fit_params : dict
            Ignored; here for scikit-learn's signature.

        Returns
        -------
        ndarray of float32, shape (n_texts, embedding_dim)
            Vectors in input order.
        """
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        texts = self._validate_texts(X, reset=True)
        self._resolve()

        vectors = self._embed(texts, on_batch=partial(self._report_batch, context))
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return vectors

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Embed texts.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts. ``[]`` gives shape (0, embedding_dim).

        Returns
        -------
        ndarray of float32, shape (n_texts, embedding_dim)
            Vectors in input order.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text.
        ModelMismatchError
            If the model is no longer the one that ``fit`` found.
        """
        check_is_fitted(self)
        texts = self._validate_texts(X)
        fingerprint = registry.facts(self._specs()[0]).fingerprint
        if fingerprint != self.model_fingerprint_:
            raise ModelMismatchError(
                f"This transformer was fitted with another model than {self._specs()[0].name!r} is now: its weights, "
                "dtype or name changed. Call fit again, and fit again whatever learned from its vectors."
            )
        return self._embed(texts)

    def similarity(self, A: Any, B: Any = None) -> NDArray[np.float32]:
        """Cosine similarity between texts, or between vectors.

        Parameters
        ----------
        A : array-like of str, shape (n,), or of float, shape (n, embedding_dim)
            Texts, or vectors from ``transform``.
        B : array-like like A, of length m, or None, default=None
            What to compare with; None is ``A`` itself.

        Returns
        -------
        ndarray of float32, shape (n, m)
            Cosines in [-1, 1]; 0 where a vector is zero.
        """
        left = self._unit_vectors(A)
        right = left if B is None else self._unit_vectors(B)
        return left @ right.T

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def _spec(self) -> ModelSpec:
        """The model as it runs on a CPU."""
        spec = self.model if isinstance(self.model, ModelSpec) else ModelSpec(self.model)
        dtype = "float32" if self.dtype == "auto" else self.dtype
        return replace(spec, backend=self.backend, dtype=dtype, device="cpu")

    def _specs(self) -> list[ModelSpec]:
        """The model as it runs on each device that ``fit`` chose."""
        devices = [self.device_] if isinstance(self.device_, str) else self.device_
        return [replace(self._spec(), device=device) for device in devices]

    def _resolve(self) -> None:
        chosen = self.device == get_config()["device"] == "auto" and needs_no_device(self._spec())
        devices = ["cpu"] if chosen else resolve_devices(self.device)
        self.device_ = devices[0] if len(devices) == 1 else devices
        facts = registry.facts(self._specs()[0])
        if self.truncate_dim is not None and self.truncate_dim > facts.dimension:
            raise ValueError(f"truncate_dim={self.truncate_dim} is more than the {facts.dimension} that the model has.")
        self.model_fingerprint_ = facts.fingerprint
        self.embedding_dim_ = self.n_features_out_ = self.truncate_dim or facts.dimension

    def _embed(self, texts: list[str], on_batch: Any = None) -> NDArray[np.float32]:
        vectors = encode_texts(
            texts,
            self._specs(),
            prompt=self.prompt,
            max_length=self.max_length,
            batch_tokens=None if self.batch_tokens == "auto" else self.batch_tokens,
            cache=open_cache(self.cache),
            show_progress=self.show_progress,
            on_batch=on_batch,
        )[:, : self.truncate_dim]
        if self.normalize and len(vectors):
            vectors = normalize(vectors, copy=False)
        return np.ascontiguousarray(vectors)

    def _report_batch(self, context: Any, texts_done: int, n_texts: int) -> None:
        batch = context.subcontext(task_name="embed-batch")
        progress = {"texts_done": texts_done, "texts": n_texts}
        batch.call_on_fit_task_begin(estimator=self, metadata=progress)
        batch.call_on_fit_task_end(estimator=self, metadata=progress)

    def _unit_vectors(self, values: Any) -> NDArray[np.float32]:
        array = np.asarray(values) if getattr(values, "ndim", 0) == 2 else None
        if array is None or array.dtype.kind != "f":
            array = np.asarray(self.transform(values))
        return unit_rows(array)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
