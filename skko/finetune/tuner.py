"""KoEmbeddingFineTuner: a sentence-embedding model that learns from examples, as a scikit-learn step."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

from numpy.typing import ArrayLike
from sklearn.callback import CallbackSupportMixin, with_callbacks

from skko.base import Interval, Options, StrOptions, fit_context
from skko.embedding import EmbeddingCache, resolve_device
from skko.exceptions import SkkoWarning
from skko.finetune._tuned import TunedEmbedder
from skko.finetune.examples import Examples, read_examples
from skko.finetune.losses import LOSSES, find_loss, make_rows
from skko.finetune.scoring import score_examples
from skko.finetune.settings import Settings, resolve_settings
from skko.finetune.tuning import tune
from skko.models import ModelSpec
from skko.models.service import find_service
from skko.optional import import_optional
from skko.progress import ShowProgress

_METRICS = ("auto", "ndcg", "spearman", "f1", "average_precision")


class KoEmbeddingFineTuner(CallbackSupportMixin, TunedEmbedder):
    """Tune a sentence-embedding model on examples, and embed texts with what came of it.

    The defaults are the recipe of the model card of dragonkue/bge-m3-ko [1]_.

    Parameters
    ----------
    base : str or ModelSpec, default="dragonkue/bge-m3-ko"
        The model to begin with, as in :class:`~skko.KoEmbeddingTransformer`.
    loss : str, default="auto"
        ``"multiple_negatives_ranking"`` or ``"multiple_negatives_symmetric_ranking"`` (pairs, triplets, labelled texts,
        texts), ``"triplet"`` (triplets), ``"cosent"``, ``"angle"``, ``"cosine_similarity"`` (scored or judged pairs,
        labelled texts), ``"contrastive"``, ``"online_contrastive"`` (judged pairs, labelled texts),
        ``"batch_all_triplet"``, ``"batch_hard_triplet"``, ``"batch_hard_soft_margin_triplet"``,
        ``"batch_semi_hard_triplet"`` (labelled texts). ``"auto"`` is the first for pairs, triplets and texts,
        ``cosent`` for scored pairs, ``online_contrastive`` for judged pairs, ``cosine_similarity`` for labelled texts.
    loss_params : dict or None, default=None
        Parameters of the loss, such as ``{"scale": 50.0}``, by the names of sentence-transformers.
    epochs : int, default=3
        Passes over the examples.
    batch_size : int, default=32768
        Rows of a step, each of which is a negative of all others where the loss ranks. Where the data has fewer, a
        tenth of its rows is used, with a warning.
    mini_batch_size : int, default=64
        Texts that go through the model at once. Gradients are cached, so that the batch costs no more memory than
        this, and its size changes nothing but speed.
    learning_rate : float, default=3e-5
        Highest learning rate of AdamW. Static models such as ``"skko-mini"`` need 0.001 to 0.01.
    warmup_ratio : float, default=1/30
        Share of the steps over which the rate rises; then it falls linearly to 0.
    batch_sampler : {"no_duplicates", "random"}, default="no_duplicates"
        Whether the rows of a batch must not share a text, or a label: what is said twice would be a false negative.
        Only losses that rank ask.
    pairs_per_text : int, default=20
        Of labelled texts: partners drawn for each text from its own class, and as many from others.
    matryoshka_dims : sequence of int or None, default=None
        Dimensions that are trained to stand alone, such as ``(1024, 512, 256)``, for ``truncate_dim``.
    lora : dict, bool or None, default=None
        Train low-rank adapters in the place of all weights, and merge them in the end; True, or parameters of
        ``peft.LoraConfig``. Needs the extra ``skko[lora]``.
    max_length : int or None, default=None
        Longest input in tokens while training; longer ones are cut. None is what the model reads.
    prompt : str or None, default=None
        Text put before every text, in training and after. None is the model's own default.
    dtype : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        Arithmetic of the forward and backward pass. ``"auto"`` is bfloat16 on GPUs that compute in it, float16 on other
        ones, and float32 on a CPU. Weights and loss are float32.
    metric : {"auto", "ndcg", "spearman", "f1", "average_precision"}, default="auto"
        What ``score`` returns, and what the best weights are chosen by where there is an ``eval_set``: nDCG@10 for
        pairs, triplets and labelled texts, Spearman's correlation for scored pairs, F1 or average precision for judged.
    patience : int or None, default=3
        With an ``eval_set``: evaluations without gain before training stops. None never stops.
    eval_steps : int or None, default=None
        With an ``eval_set``: steps between two evaluations; None evaluates after every epoch.
    checkpoint_minutes : float, default=10.0
        Minutes between two checkpoints. Where a training was interrupted, ``fit`` with the same parameters and data
        goes on from the last one.
    truncate_dim : int or None, default=None
        Dimensions that ``transform`` keeps.
    random_state : int, default=42
        Seed of every draw.
    device : str, default="auto"
        Where to train and to embed, as in :class:`~skko.KoEmbeddingTransformer`. Processes that torchrun or accelerate
        start share a training.
    cache : EmbeddingCache, "auto", path or False, default="auto"
        Where vectors are kept, as in :class:`~skko.KoEmbeddingTransformer`.
    show_progress : bool or "auto", default="auto"
        Whether to show progress bars.

    Attributes
    ----------
    model_ : str
        Directory of the tuned weights.
    loss_ : str
        The loss in force.
    batch_size_ : int
        Rows of a step in force.
    history_ : list of dict
        Step, epoch, and loss or score.
    base_score_, best_score_ : float or None
        Score of the base model and of the tuned one on the ``eval_set``; None without one.
    embedding_dim_ : int
        Length of the vectors that ``transform`` returns.
    model_fingerprint_ : str
        Digest of the tuned weights.
    n_features_out_ : int
        Same as ``embedding_dim_``.

    See Also
    --------
    make_few_shot_classifier : A classifier from a few labelled texts.
    mine_hard_negatives : Triplets from pairs.

    Notes
    -----
    The tuned weights lie under the setting ``cache_dir`` by the content of base, examples, parameters and seed, so that
    the same is not trained twice: not by clones, folds, other processes, nor tomorrow. They are not in a pickle:
    :meth:`save` writes them as a model of their own.

    Training on a CPU repeats bit by bit with a seed, also through an interruption. Other values of ``mini_batch_size``
    change the weights by rounding, and by dropout where the model has some.

    References
    ----------
    .. [1] https://huggingface.co/dragonkue/bge-m3-ko

    Examples
    --------
    >>> from skko import datasets
    >>> from skko.finetune import KoEmbeddingFineTuner
    >>> inquiries = datasets.load_inquiries()
    >>> tuner = KoEmbeddingFineTuner("skko-mini", epochs=1, batch_size=64, learning_rate=0.01, pairs_per_text=2)
    >>> tuner.fit(inquiries.texts, inquiries.topics).transform(["배송이 늦어요"]).shape
    (1, 256)
    """

    _parameter_constraints = {
        "base": [str, ModelSpec],
        "loss": [StrOptions({"auto", *LOSSES})],
        "loss_params": [dict, None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "mini_batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "warmup_ratio": [Interval(Real, 0, 1, closed="left")],
        "batch_sampler": [StrOptions({"no_duplicates", "random"})],
        "pairs_per_text": [Interval(Integral, 1, None, closed="left")],
        "matryoshka_dims": ["array-like", None],
        "lora": [dict, "boolean", None],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "prompt": [str, None],
        "dtype": [StrOptions({"auto", "float32", "float16", "bfloat16"})],
        "metric": [StrOptions(set(_METRICS))],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "eval_steps": [Interval(Integral, 1, None, closed="left"), None],
        "checkpoint_minutes": [Interval(Real, 0, None, closed="left")],
        "truncate_dim": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "device": [str],
        "cache": [EmbeddingCache, str, os.PathLike, Options(bool, {False})],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        base: str | ModelSpec = "dragonkue/bge-m3-ko",
        *,
        loss: str = "auto",
        loss_params: dict[str, Any] | None = None,
        epochs: int = 3,
        batch_size: int = 32768,
        mini_batch_size: int = 64,
        learning_rate: float = 3e-5,
        warmup_ratio: float = 1 / 30,
        batch_sampler: Literal["no_duplicates", "random"] = "no_duplicates",
        pairs_per_text: int = 20,
        matryoshka_dims: Sequence[int] | None = None,
        lora: dict[str, Any] | bool | None = None,
        max_length: int | None = None,
        prompt: str | None = None,
        dtype: str = "auto",
        metric: str = "auto",
        patience: int | None = 3,
        eval_steps: int | None = None,
        checkpoint_minutes: float = 10.0,
        truncate_dim: int | None = None,
        random_state: int = 42,
        device: str = "auto",
        cache: EmbeddingCache | str | os.PathLike[str] | Literal[False] = "auto",
        show_progress: ShowProgress = "auto",
    ) -> None:
        self.base = base
        self.loss = loss
        self.loss_params = loss_params
        self.epochs = epochs
        self.batch_size = batch_size
        self.mini_batch_size = mini_batch_size
        self.learning_rate = learning_rate
        self.warmup_ratio = warmup_ratio
        self.batch_sampler = batch_sampler
        self.pairs_per_text = pairs_per_text
        self.matryoshka_dims = matryoshka_dims
        self.lora = lora
        self.max_length = max_length
        self.prompt = prompt
        self.dtype = dtype
        self.metric = metric
        self.patience = patience
        self.eval_steps = eval_steps
        self.checkpoint_minutes = checkpoint_minutes
        self.truncate_dim = truncate_dim
        self.random_state = random_state
        self.device = device
        self.cache = cache
        self.show_progress = show_progress

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, eval_set: tuple[Any, ...] | None = None
    ) -> "KoEmbeddingFineTuner":
        """Tune the model; scikit-learn callbacks are told of every step.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 2 or more)
            Texts; or rows of an anchor, a positive and any number of negatives. Rows can be tuples, or those of a data
            frame or an array.
        y : array-like of shape (n,) or None, default=None
            For texts their labels; for pairs a judgement (1 the same, 0 not) or a score, more being more alike. Texts
            without labels are each told from all others, by vectors that differ by dropout.
        eval_set : tuple (X,) or (X, y), or None, default=None
            Examples of any kind but texts alone, to choose the best weights by and to stop at.

        Returns
        -------
        KoEmbeddingFineTuner
            The fitted tuner.

        Raises
        ------
        MissingDependencyError
            If the extra ``skko[train]``, or ``skko[lora]`` for adapters, is not installed.
        ValueError
            If the examples do not fit each other, the loss, or the metric; or training diverged.

        Warns
        -----
        SkkoWarning
            If the batch was shrunk, the learning rate does little to a static model, or the tuned model is no better
            than the base on the ``eval_set``.
        """
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        extra, adapters = ("lora", ["peft"]) if self.lora else ("train", [])  # the first includes the second
        for package in ("datasets", "accelerate", *adapters):
            import_optional(package, extra=extra, purpose="tune models")
        examples = read_examples(X, y)
        if len(examples.columns) == 1:
            self._validate_texts(X, reset=True)
        held_out = None if eval_set is None else _held_out(eval_set)
        spec = self._spec()
        loss = find_loss(self.loss, examples.kind)
        rows = make_rows(examples, loss, pairs_per_text=self.pairs_per_text, seed=self.random_state)
        settings = resolve_settings(self.get_params(deep=False), loss, rows, spec, held_out)
        tuned = tune(spec, examples, rows, held_out, settings, partial(self._report_step, context))
        self.model_, self._facts = str(tuned.directory), tuned.facts
        self.loss_, self.batch_size_, self.history_ = settings.loss, settings.batch_size, tuned.facts["history"]
        self._look_up()
        self._compare(spec, held_out, settings)
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _spec(self) -> ModelSpec:
        base = ModelSpec(self.base) if isinstance(self.base, str) else self.base
        if find_service(base.name) is not None:
            raise ValueError(
                f"base={base.name!r} is computed by a service, and its weights cannot be tuned from here. Name a model "
                'of a hub, a directory, or "skko-mini".'
            )
        return replace(base, backend="torch", dtype="float32", device=resolve_device(self.device))

    def _compare(self, spec: ModelSpec, held_out: Examples | None, settings: Settings) -> None:
        """Score base and tuned model on what was held out."""
        self.base_score_ = self.best_score_ = None
        if held_out is None:
            return
        base = self._embedder(spec).fit([])
        self.base_score_ = score_examples(held_out, base.transform, settings.metric)
        self.best_score_ = score_examples(held_out, self._embed, settings.metric)
        self._facts |= {"base_score": self.base_score_, "best_score": self.best_score_}
        if self.best_score_ <= self.base_score_:
            warnings.warn(
                f"The tuned model is no better than its base on eval_set: {settings.metric} {self.best_score_:.4f} "
                f"after {self.base_score_:.4f}. Try another learning_rate, more epochs, or more examples.",
                SkkoWarning,
                stacklevel=2,
            )

    def _report_step(self, context: Any, step: int, n_steps: int) -> None:
        task = context.subcontext(task_name="tuning-step")
        progress = {"step": step, "steps": n_steps}
        task.call_on_fit_task_begin(estimator=self, metadata=progress)
        task.call_on_fit_task_end(estimator=self, metadata=progress)


def _held_out(eval_set: Any) -> Examples:
    if not isinstance(eval_set, tuple) or len(eval_set) not in (1, 2):
        raise ValueError("eval_set must be a tuple, (X,) or (X, y), of examples as fit takes them.")
    return read_examples(*eval_set)
