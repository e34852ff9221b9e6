"""Any loss of vectors over a batch of any size, in the memory of a mini-batch. Imported only where training starts."""

from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin, RandContext, has_static_embedding_input
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
from sentence_transformers.util import dot_score
from torch import Tensor, nn

Features = dict[str, Tensor]

# Similarities held at once in the loss stage: at most 64 MB of float32, a few times over for their gradients. Fewer
# rows than 512 would pay for the pass over all gradients that follows each part; more would leave a CPU's cache.
_SIMILARITIES, _ROWS = 1 << 24, 512


class CachedLoss(CachedLossMixin, nn.Module):
    """Gradient caching [1]_ around a loss that is a function of vectors.

    Three things differ from the cached losses of sentence-transformers, whose machinery this is. Mini-batches are cut
    from texts sorted by length, so that short texts are not padded to long ones. The loss is computed in float32: in
    half precision most rows of a large batch get a gradient of zero. And rows of similarities are chunked by how many
    fit into memory, not by the size of a mini-batch.

    Parameters
    ----------
    model : SentenceTransformer
        The model.
    loss : nn.Module
        A loss of sentence-transformers with ``compute_loss_from_embeddings``.
    mini_batch_size : int
        Texts that go through the model at once.

    References
    ----------
    .. [1] Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021,
       https://arxiv.org/abs/2101.06983
    """

    def __init__(self, model: Any, loss: nn.Module, mini_batch_size: int) -> None:
        super().__init__()
        self.model: Any = model
        self.loss: Any = loss
        self.mini_batch_size = mini_batch_size
        self._orders: list[Tensor] = []

    def forward(self, sentence_features: Iterable[Features], labels: Tensor | None) -> Tensor:
        """Compute the loss; its backward pass reaches the model's weights."""
        columns = list(sentence_features)
        if has_static_embedding_input(getattr(self.model, "module", self.model)):
            return self._forward_whole(columns, labels)
        self._orders = [_by_length(column) for column in columns]
        ordered = [_take(column, order) for column, order in zip(columns, self._orders, strict=True)]
        value: Tensor = self.forward_cached(ordered, labels)  # type: ignore[operator]
        return value

    def _forward_whole(self, columns: list[Features], labels: Tensor | None) -> Tensor:
        """Static models look vectors up, so that their whole batch needs little; only the loss is done in parts."""
        vectors = [self.model(column)["sentence_embedding"] for column in columns]
        self._orders = [torch.arange(len(column), device=column.device) for column in vectors]
        leaves = [vector.detach().requires_grad_() for vector in vectors]
        if not torch.is_grad_enabled():
            return self.calculate_loss([[leaf] for leaf in leaves], labels)
        value = self.calculate_loss([[leaf] for leaf in leaves], labels, with_backward=True).detach()
        # Of the value of the loss, with the gradient that calculate_loss left at the vectors.
        pulled = torch.stack([(vector * leaf.grad).sum() for vector, leaf in zip(vectors, leaves, strict=True)]).sum()
        return value + (pulled - pulled.detach())

    def embed_minibatch(self, *args: Any, **kwargs: Any) -> tuple[Tensor, RandContext | None]:
        """Embed a mini-batch; vectors, and so the gradients cached for them, are float32."""
        vectors, random_state = super().embed_minibatch(*args, **kwargs)
        return vectors.float(), random_state

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """Put the vectors of each column back into the order of the rows, and compute the loss on all of them."""
        columns = [
            torch.cat(parts).detach()[order.argsort()].requires_grad_(with_backward)
            for parts, order in zip(reps, self._orders, strict=True)
        ]
        with torch.autocast(columns[0].device.type, enabled=False):
            value = self._whole_loss(columns, labels, with_backward=with_backward)
        if with_backward:
            for column, parts, order in zip(columns, reps, self._orders, strict=True):
                if column.grad is None:  # the loss does not read the column, and forward_cached will say so
                    continue
                gradients = torch.split(column.grad[order], [len(part) for part in parts])
                for part, gradient in zip(parts, gradients, strict=True):
                    part.grad = gradient
        return value

    def _whole_loss(self, columns: list[Tensor], labels: Tensor | None, *, with_backward: bool) -> Tensor:
        value: Tensor = self.loss.compute_loss_from_embeddings(columns, labels)
        if with_backward:
            value.backward()  # type: ignore[no-untyped-call]
        return value.detach() if with_backward else value


class CachedRankingLoss(CachedLoss):
    """The same for multiple negatives, whose similarities of a batch of 32,768 would take 4 GB: computed in parts."""

    def _whole_loss(self, columns: list[Tensor], labels: Tensor | None, *, with_backward: bool) -> Tensor:
        parts = _Parts(self.model, self.loss, sum(map(len, columns)))
        # Cosines are products of unit vectors, which the parts would else make anew each.
        unit = [nn.functional.normalize(column, dim=1) for column in columns]
        leaves = [vector.detach().requires_grad_(with_backward) for vector in unit]
        value: Tensor = parts.calculate_loss([[leaf] for leaf in leaves], labels, with_backward=with_backward)
        if with_backward:
            torch.autograd.backward(unit, [leaf.grad for leaf in leaves])
        return value


class _Parts(CachedMultipleNegativesRankingLoss):
    """The loss stage of sentence-transformers alone, for unit vectors.

    Its own constructor refuses static models, which it could do.
    """

    similarity_fct = staticmethod(dot_score)

    def __init__(self, model: Any, loss: nn.Module, n_vectors: int) -> None:
        nn.Module.__init__(self)
        # Past __setattr__: a loss must not list the model's weights a second time.
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "loss", loss)
        self.mini_batch_size = max(1, min(_ROWS, _SIMILARITIES // n_vectors))
        self.mini_batch_num_tokens = None
        self.show_progress_bar = False


def _by_length(features: Features) -> Tensor:
    return features["attention_mask"].sum(dim=1).argsort(descending=True, stable=True)


def _take(features: Features, order: Tensor) -> Features:
    return {
        name: values[order] if isinstance(values, Tensor) and values.ndim and len(values) == len(order) else values
        for name, values in features.items()
    }
