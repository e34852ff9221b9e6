"""Batches without padding: texts one after another in a single row, each attending to itself alone."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.models.backends.tokenisation import Tokeniser, TokenTable
from skko.models.hub import describe

ATTENTION = "skko_packed"
# Kinds of model that were read and are tested: plain attention through transformers' table of attention functions,
# learned positions, nothing that looks at the shape of the batch.
_MODEL_TYPES = {"bert", "camembert", "electra", "roberta", "xlm-roberta"}
# How far 1 - cosine to the padded path may go: rounding stays well below, a wrong position or neighbour well above.
_TOLERANCES = {"float32": 1e-6, "float16": 1e-3, "bfloat16": 5e-3}
_SAMPLE_TOKENS = 256
_SAMPLE = ["네", "오늘 날씨가 정말 좋네요.", "환불해 주세요. " * 40]


class Packer:
    """Runs a sentence-transformers model on texts without padding.

    Parameters
    ----------
    model : SentenceTransformer
        A model for which :func:`checked_packer` finds no obstacle. Its attention is replaced by one that does
        the same on padded batches.

    Notes
    -----
    The token embeddings are laid out in padded rows again before the other modules see them, so that every kind of
    pooling is its own code.
    """

    def __init__(self, model: Any) -> None:
        _register_attention()
        self._model = model
        self._padding_idx = _padding_idx(model.transformers_model)
        model.transformers_model.set_attn_implementation(ATTENTION)
        if model[0].model_forward_params is not None:
            model[0].model_forward_params |= {"cu_seq_lens_q", "max_length_q", "packed_runs"}

    def embed(self, table: TokenTable, rows: NDArray[np.intp]) -> Any:
        """Embed some texts.

        Parameters
        ----------
        table : TokenTable
            Tokens.
        rows : ndarray of int, shape (n_rows,)
            Which texts; all have tokens.

        Returns
        -------
        torch.Tensor of shape (n_rows, dimension)
            What the model's last module gives.
        """
        import torch

        device = self._model.device
        lengths = table.lengths[rows]
        columns = table.packed(rows)
        columns["position_ids"] = self._positions(columns["input_ids"], lengths)
        inputs = {name: torch.from_numpy(values[None]).to(device) for name, values in columns.items()}
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        first, *others = self._model
        output = first(
            {
                **inputs,
                "modality": "text",
                "cu_seq_lens_q": torch.from_numpy(ends).to(device),
                "max_length_q": int(lengths.max()),
                "packed_runs": [(length, len(list(run))) for length, run in groupby(lengths.tolist())],
            }
        )["token_embeddings"][0]
        real = table.real(rows)
        # By places known here: asking the device where the mask is true would wait for it.
        places = torch.from_numpy(np.flatnonzero(real)).to(device)
        padded = output.new_zeros((real.size, output.shape[-1])).index_copy_(0, places, output)
        mask = torch.from_numpy(real.astype(np.int64)).to(device)
        features: dict[str, Any] = {
            "token_embeddings": padded.view(*real.shape, -1),
            "attention_mask": mask,
            "modality": "text",
        }
        for module in others:
            features = module(features)
        return features["sentence_embedding"]

    def _positions(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Position of each token in its text, as the model counts them."""
        counted = np.ones_like(ids) if self._padding_idx is None else (ids != self._padding_idx).astype(np.int64)
        total = np.cumsum(counted)
        before = np.concatenate([[0], total])[np.cumsum(lengths) - lengths]
        within: NDArray[np.int64] = total - np.repeat(before, lengths)
        # RoBERTa counts from behind its padding token, and leaves such a token out should a text spell it.
        return within - 1 if self._padding_idx is None else within * counted + self._padding_idx


def make_packer(model: Any, tokeniser: Tokeniser | None, dtype: str) -> tuple[Packer | None, str | None]:
    """Make a packer where it is faster than padding and gives the same vectors.

    Parameters
    ----------
    model : SentenceTransformer
        The model, on its device.
    tokeniser : Tokeniser or None
        Its tokeniser; None where the model prepares texts itself.
    dtype : {"float32", "float16", "bfloat16", "int8"}
        Type of its weights.

    Returns
    -------
    packer : Packer or None
        None where batches are padded.
    why_padded : str or None
        Why they are.

    Notes
    -----
    On CUDA nothing has been measured, neither the gain nor the vectors: the tests run the packing on a CPU, and see the
    arguments of the call that only CUDA answers. There the check at load is what keeps a wrong path out.
    """
    # On a CPU, one thread and XLM-RoBERTa of base shape, packing took 0.96 of the time of padding (88 mixed texts in
    # batches of 512 tokens, sorted by length, 4 % of them padding): too little for a second path and a check at load.
    if model.device.type != "cuda":
        return None, f"packing is used on cuda, and this is {model.device.type}"
    if dtype not in ("float16", "bfloat16"):
        return None, f"the attention for packed texts reads half precision, not {dtype}"
    return checked_packer(model, tokeniser, dtype)


def checked_packer(model: Any, tokeniser: Tokeniser | None, dtype: str) -> tuple[Packer | None, str | None]:
    """Make a packer, on any device, if the model allows it and three texts get the vectors of the padded path.

    Parameters
    ----------
    model : SentenceTransformer
        The model, on its device.
    tokeniser : Tokeniser or None
        Its tokeniser; None where the model prepares texts itself.
    dtype : {"float32", "float16", "bfloat16"}
        Type of its weights.

    Returns
    -------
    packer : Packer or None
        None where the model cannot be packed; its attention is then as it was.
    why_not : str or None
        Why it cannot.
    """
    import torch

    reason = _obstacle(model)
    if tokeniser is None or reason is not None:
        return None, reason or "the model prepares texts itself"
    limit = model.max_seq_length
    table = tokeniser(_SAMPLE, None if limit is None else int(min(limit, _SAMPLE_TOKENS)))
    rows = np.arange(len(_SAMPLE))
    before = model.transformers_model.config._attn_implementation
    with torch.inference_mode():
        padded = {k: torch.from_numpy(v).to(model.device) for k, v in table.padded(rows).items()}
        expected = model({**padded, "modality": "text"})["sentence_embedding"]
        try:
            packer = Packer(model)
            found = packer.embed(table, rows)
            cosines = torch.nn.functional.cosine_similarity(found.double(), expected.double())
            error = float((1 - cosines).max())
            if error <= _TOLERANCES[dtype]:  # not so if it is not a number
                return packer, None
            reason = f"packed and padded vectors differ: 1 - cosine is {error:.1e}"
        except Exception as failure:  # no kernel for this device or size, or a module that asks for what is not there
            reason = describe(failure)
    model.transformers_model.set_attn_implementation(before)
    return None, reason


def _obstacle(model: Any) -> str | None:
    """What in a model forbids packing, as far as can be told without running it."""
    transformer = model.transformers_model
    if transformer is None:
        return "the model has no attention"
    config = transformer.config
    if config.model_type not in _MODEL_TYPES or config.is_decoder or not transformer.is_backend_compatible():
        return f"models of type {config.model_type!r} are not known to allow it"
    if config._attn_implementation != "sdpa" or config.output_hidden_states or config.output_attentions:
        return "the model asks for attention weights or for the states of all layers"
    if model[0].module_output_name != "token_embeddings":
        return "the model's first module does not give token embeddings"
    return None


def _padding_idx(transformer: Any) -> int | None:
    """The token from behind which the model counts its positions; None if it counts from 0."""
    return getattr(transformer.embeddings, "padding_idx", None)


def _register_attention() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ATTENTION, _attention)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def _attention(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    cu_seq_lens_q: Any = None,
    max_length_q: int = 0,
    packed_runs: Sequence[tuple[int, int]] = (),
    **kwargs: Any,
) -> tuple[Any, None]:
    """Attention within each text of a packed row, as transformers calls it; padded batches go the way they always went.

    ``query``, ``key`` and ``value`` have shape (n_texts, n_heads, n_tokens, size), with one row where texts are packed;
    the result has shape (n_texts, n_tokens, n_heads, size).
    """
    if cu_seq_lens_q is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        padded: tuple[Any, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
        return padded
    query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    if query.is_cuda:
        return _attend_at_once(query, key, value, cu_seq_lens_q, max_length_q, scaling)[None], None
    return _attend_by_length(query, key, value, packed_runs, scaling)[None], None


def _attend_at_once(query: Any, key: Any, value: Any, ends: Any, longest: int, scaling: float | None) -> Any:
    """One call for all texts; torch has it for half precision on CUDA."""
    from torch.nn.attention.varlen import varlen_attn

    return varlen_attn(query, key, value, ends, ends, longest, longest, scale=scaling)


def _attend_by_length(query: Any, key: Any, value: Any, runs: Sequence[tuple[int, int]], scaling: float | None) -> Any:
    """A call for each run of texts of one length, which make a batch as they lie."""
    from torch.nn.functional import scaled_dot_product_attention

    out = query.new_empty(query.shape)
    start = 0
    for length, number in runs:
        stop = start + length * number
        q, k, v = (part[start:stop].unflatten(0, (number, length)).transpose(1, 2) for part in (query, key, value))
        out[start:stop] = scaled_dot_product_attention(q, k, v, scale=scaling).transpose(1, 2).flatten(0, 1)
        start = stop
    return out
