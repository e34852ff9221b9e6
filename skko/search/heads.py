"""BGE-M3's other two functions: learned weights of tokens, and a vector for each token."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skko.embedding.batching import plan_batches
from skko.exceptions import ModelNotAvailableError
from skko.models.hub import find_on_hub
from skko.models.registry import registry
from skko.models.spec import ModelSpec
from skko.progress import ShowProgress, progress_bar
from skko.search.tokens import TokenVectors, TokenWeights

HEADS = ("sparse", "colbert")


def apply_heads(
    texts: Sequence[str],
    spec: ModelSpec,
    heads: Sequence[str],
    *,
    prompt: str | None,
    max_length: int | None,
    show_progress: ShowProgress = "auto",
) -> tuple[TokenWeights | None, TokenVectors | None]:
    """Compute what BGE-M3's heads make of texts.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts.
    spec : ModelSpec
        The model.
    heads : sequence of {"sparse", "colbert"}
        Which.
    prompt : str or None
        Text to put before each; None is the model's own default.
    max_length : int or None
        Longest input in tokens; None is what the model reads.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    sparse : TokenWeights or None
        For each token of the vocabulary the largest weight it has in a text; special tokens have none.
    colbert : TokenVectors or None
        For each token but the first a vector of unit length.

    Raises
    ------
    ModelNotAvailableError
        If the model has no such head.
    ValueError
        If the backend is not torch.

    Notes
    -----
    The definitions are those of BGE-M3 [1]_: a weight is the rectified output of a linear layer on the token's last
    hidden state; a token's vector is another linear layer on it.

    References
    ----------
    .. [1] Chen et al., "BGE M3-Embedding", 2024, https://arxiv.org/abs/2402.03216
    """
    import torch

    if spec.backend != "torch":
        raise ValueError(f'heads need backend="torch", and the embedder has backend={spec.backend!r}.')
    layers = {head: _linear(spec, head).to(spec.device) for head in heads}
    encoder: Any = registry.get(spec)
    model = encoder._model
    tokens = encoder.tokenise(
        texts, prompt=encoder.facts.default_prompt if prompt is None else prompt, max_length=max_length
    )
    special = _special_tokens(model.tokenizer)
    weighed = _Weighed([], [], [])
    vectors: list[NDArray[np.float32]] = [np.empty((0, 0), dtype=np.float32)] * len(texts)
    with torch.inference_mode(), progress_bar(len(texts), "weighing tokens", show=show_progress) as bar:
        for batch in plan_batches(tokens.lengths, encoder.batch_tokens):
            features: dict[str, Any] = {k: torch.from_numpy(v).to(spec.device) for k, v in tokens.padded(batch).items()}
            ids, real = features["input_ids"], features["attention_mask"].bool()
            states = model[0]({**features, "modality": "text"})["token_embeddings"].float()
            if "sparse" in layers:
                weights = torch.relu(layers["sparse"](states))[..., 0].cpu().numpy()
                weighed.add(batch, ids.cpu().numpy(), np.where(real.cpu().numpy(), weights, 0), special)
            if "colbert" in layers:
                unit = torch.nn.functional.normalize(layers["colbert"](states[:, 1:]), dim=-1)
                for i, row in enumerate(batch.tolist()):
                    vectors[row] = unit[i][real[i, 1:]].cpu().numpy()
            bar.update(len(batch))
    sparse = weighed.rows(len(texts), model[0].auto_model.config.vocab_size) if "sparse" in layers else None
    colbert = _token_rows(vectors, layers["colbert"].out_features) if "colbert" in layers else None
    return sparse, colbert


@dataclass(frozen=True)
class _Weighed:
    """Tokens with a weight, of the batches so far."""

    texts: list[NDArray[np.int64]]
    tokens: list[NDArray[np.int64]]
    weights: list[NDArray[np.float32]]

    def add(
        self,
        batch: NDArray[np.intp],
        ids: NDArray[np.int64],
        weights: NDArray[np.float32],
        special: NDArray[np.int64],
    ) -> None:
        """Take over the tokens of a batch that have a weight and a meaning."""
        text, place = np.nonzero((weights > 0) & ~np.isin(ids, special))
        self.texts.append(batch[text].astype(np.int64))
        self.tokens.append(ids[text, place])
        self.weights.append(weights[text, place])

    def rows(self, n_texts: int, n_vocabulary: int) -> TokenWeights:
        """For each text and token the largest weight."""
        text = np.concatenate([np.empty(0, np.int64), *self.texts])
        keys = text * n_vocabulary + np.concatenate([np.empty(0, np.int64), *self.tokens])
        keys, where = np.unique(keys, return_inverse=True)
        largest = np.zeros(len(keys), dtype=np.float32)
        np.maximum.at(largest, where, np.concatenate([np.empty(0, np.float32), *self.weights]))
        places = (keys // n_vocabulary, keys % n_vocabulary)
        return TokenWeights(csr_array((largest, places), shape=(n_texts, n_vocabulary)))


def _special_tokens(tokenizer: Any) -> NDArray[np.int64]:
    """The tokens that BGE-M3 gives no weight."""
    named = (getattr(tokenizer, f"{name}_token_id") for name in ("cls", "eos", "pad", "unk"))
    return np.array([token for token in named if token is not None], dtype=np.int64)


def _token_rows(vectors: list[NDArray[np.float32]], dimension: int) -> TokenVectors:
    ends = np.cumsum(np.fromiter(map(len, vectors), dtype=np.int64, count=len(vectors)))
    return TokenVectors(np.concatenate([np.empty((0, dimension), np.float32), *vectors]), ends)


def _linear(spec: ModelSpec, head: str) -> Any:
    """Read a head's weights; where there are none it raises, since random ones would find nothing."""
    import torch

    path = _head_path(spec, f"{head}_linear.pt")
    state = torch.load(path, map_location="cpu", weights_only=True)
    layer = torch.nn.Linear(state["weight"].shape[1], state["weight"].shape[0])
    layer.load_state_dict(state)
    return layer.float().eval()


def _head_path(spec: ModelSpec, name: str) -> Path:
    path = _download(spec, name) if spec.directory is None else spec.directory / name
    if path is None or not path.is_file():
        raise ModelNotAvailableError(
            f"The model {spec.name!r} has no {name}: only its dense vectors can be used. Pass heads=(), or a model "
            'with BGE-M3\'s heads, such as "BAAI/bge-m3".'
        )
    return path


def _download(spec: ModelSpec, name: str) -> Path | None:
    """A head from the hub, or from what is downloaded; None if the repository has none."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    model = find_on_hub(spec)
    found = try_to_load_from_cache(model.name, name, revision=model.commit)
    # Without asking the hub for each query. What is found is no str where the hub once said that there is none.
    if found is not None:
        return Path(found) if isinstance(found, str) else None
    try:
        return Path(hf_hub_download(model.name, name, revision=model.commit))
    except LocalEntryNotFoundError as error:
        raise ModelNotAvailableError(
            f"{name} of {spec.name!r} is not downloaded on this machine, and the hub did not give it. Download it "
            f"where there is a network, with `hf download {spec.name} {name}`."
        ) from error
    except EntryNotFoundError:
        return None
