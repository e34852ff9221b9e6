"""Tiny models of the true architecture: XLM-RoBERTa, CLS pooling, Normalize, random weights."""

from collections.abc import Sequence
from math import log
from operator import itemgetter
from pathlib import Path

_WORDS = [
    "한국어 문장을 임베딩으로 바꾸는 도구입니다",
    "환불해 주세요 배송이 늦어요 로그인이 안 돼요",
    "나는 오늘 영화를 보았다 날씨가 정말 좋네요",
    "the quick brown fox 0123456789 !?.,",
]


def build_xlm_roberta(
    path: Path,
    *,
    seed: int,
    dimension: int = 48,
    n_layers: int = 2,
    n_heads: int = 4,
    feed_forward: int | None = None,
    spread: float = 0.3,  # wide, so that different texts get clearly different vectors
    max_length: int = 128,
    dtype: str = "float32",
    corpus: Sequence[str] = _WORDS * 30,
    vocabulary: int = 100,
) -> Path:
    """Write a sentence-transformers directory laid out as dragonkue/bge-m3-ko is, and return its path."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    # The trainer of Unigram models finds other pieces in each run; that of BPE finds the same ones.
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False)
    pairs.train_from_iterator(corpus, trainer)
    pieces = sorted(pairs.get_vocab().items(), key=itemgetter(1))
    tokenizer = Tokenizer(models.Unigram([(piece, -log(rank + 2)) for piece, rank in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=max_length,
    )
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=len(fast),
        hidden_size=dimension,
        num_hidden_layers=n_layers,
        num_attention_heads=n_heads,
        intermediate_size=feed_forward or 2 * dimension,
        max_position_embeddings=max_length + 2,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        initializer_range=spread,
    )
    plain = path.with_name(path.name + "-transformers")
    XLMRobertaModel(config).to(getattr(torch, dtype)).save_pretrained(plain)
    fast.save_pretrained(plain)
    layers = [modules.Transformer(str(plain)), modules.Pooling(dimension, pooling_mode="cls"), modules.Normalize()]
    SentenceTransformer(modules=layers, device="cpu").save(str(path))
    return path
