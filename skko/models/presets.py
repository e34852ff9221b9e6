"""Models that skko knows by name, with what it takes to use each as its makers meant it."""

from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from skko.models.spec import MINI


@dataclass(frozen=True, slots=True)
class ModelPreset:
    """A model known by name, and what it takes to use it.

    Attributes
    ----------
    name : str
        What to pass as ``model``.
    dimension : int
        Length of its vectors.
    max_length : int or None
        Longest input in tokens; None where there is no limit.
    pooling : str
        How token vectors become one vector: ``"mean"``, ``"cls"``, or ``"service"`` where that is not ours to say.
    licence : str
        Licence of the weights, or terms of the service.
    source : str
        Where the weights come from.
    query_prompt : str or None, default=None
        The ``prompt`` for queries; None is the model's own default.
    passage_prompt : str or None, default=None
        The ``prompt`` for passages that are searched.
    symmetric_prompt : str or None, default=None
        The ``prompt`` where all texts are alike: similarity, classification, clustering.
    normalized : bool, default=True
        Whether the model itself gives vectors of unit length.
    ships_pooling : bool, default=True
        False where the repository does not say how to pool, and sentence-transformers would guess wrong.
    trust_remote_code : bool, default=False
        Whether it runs Python code of its own repository, which ``ModelSpec(name, trust_remote_code=True)`` allows.
    benchmark_name : str or None, default=None
        Its name in the model card's AutoRAG table.
    usd_per_million_tokens : float or None, default=None
        What a service asked in US dollars in 2025, for estimates: its own price list is what holds.
    note : str, default=""
        What else to know.
    """

    name: str
    dimension: int
    max_length: int | None
    pooling: str
    licence: str
    source: str
    query_prompt: str | None = None
    passage_prompt: str | None = None
    symmetric_prompt: str | None = None
    normalized: bool = True
    ships_pooling: bool = True
    trust_remote_code: bool = False
    benchmark_name: str | None = None
    usd_per_million_tokens: float | None = None
    note: str = ""


_HUB = "Hugging Face hub"
_E5: dict[str, Any] = {"query_prompt": "query: ", "passage_prompt": "passage: ", "symmetric_prompt": "query: "}
_INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
_SAME_MEANING = "Instruct: Retrieve semantically similar text\nQuery: "
_COHERE: dict[str, Any] = {
    "query_prompt": "search_query",
    "passage_prompt": "search_document",
    "symmetric_prompt": "clustering",
    "note": "the prompt is Cohere's input_type",
}
_UPSTAGE: dict[str, Any] = {"query_prompt": "query", "passage_prompt": "passage", "symmetric_prompt": "passage"}
_KU = "the hub does not show it to the public, so it is here for its row in the table"

_PRESETS = (
    ModelPreset(MINI, 256, None, "mean", "CC-BY-SA-4.0", "inside the wheel"),
    ModelPreset("dragonkue/bge-m3-ko", 1024, 8192, "cls", "Apache-2.0", f"{_HUB}, 2.3 GB", benchmark_name="BGE-m3-ko"),
    ModelPreset("BAAI/bge-m3", 1024, 8192, "cls", "MIT", f"{_HUB}, 2.3 GB", benchmark_name="BGE-m3"),
    ModelPreset(
        "upskyy/bge-m3-korean",
        1024,
        8192,
        "mean",
        "see its card",
        f"{_HUB}, 2.3 GB",
        normalized=False,
        benchmark_name="bge-m3-korean",
    ),
    ModelPreset("nlpai-lab/KoE5", 1024, 512, "mean", "MIT", f"{_HUB}, 2.2 GB", **_E5, benchmark_name="KoE5"),
    ModelPreset(
        "intfloat/multilingual-e5-large-instruct",
        1024,
        512,
        "mean",
        "MIT",
        f"{_HUB}, 1.1 GB",
        query_prompt=_INSTRUCT,
        passage_prompt="",
        symmetric_prompt=_SAME_MEANING,
        benchmark_name="multilingual-e5-large-instruct",
        note="stored in half precision, run in float32",
    ),
    ModelPreset(
        "Alibaba-NLP/gte-multilingual-base",
        768,
        8192,
        "cls",
        "Apache-2.0",
        f"{_HUB}, 0.6 GB",
        trust_remote_code=True,
        benchmark_name="gte-multilingual-base",
        note="stored in half precision, run in float32",
    ),
    ModelPreset(
        "sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
        768,
        128,
        "mean",
        "Apache-2.0",
        f"{_HUB}, 1.1 GB",
        normalized=False,
        benchmark_name="paraphrase-multilingual-mpnet-base-v2",
    ),
    ModelPreset(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        384,
        128,
        "mean",
        "Apache-2.0",
        f"{_HUB}, 0.5 GB",
        normalized=False,
        benchmark_name="paraphrase-multilingual-MiniLM-L12-v2",
    ),
    ModelPreset(
        "BM-K/KoSimCSE-roberta",
        768,
        512,
        "cls",
        "see its card",
        f"{_HUB}, 0.4 GB",
        normalized=False,
        ships_pooling=False,
        benchmark_name="KoSimCSE-roberta",
    ),
    ModelPreset(
        "jhgan/ko-sroberta-multitask",
        768,
        128,
        "mean",
        "see its card",
        f"{_HUB}, 0.4 GB",
        normalized=False,
        benchmark_name="ko-sroberta-multitask",
    ),
    ModelPreset(
        "upskyy/kf-deberta-multitask",
        768,
        128,
        "mean",
        "see its card",
        f"{_HUB}, 0.7 GB",
        normalized=False,
        benchmark_name="kf-deberta-multitask",
    ),
    ModelPreset(
        "KU-HIAI-ONTHEIT/ontheit-large-v1",
        1024,
        512,
        "mean",
        "not public",
        _HUB,
        **_E5,
        benchmark_name="KU-HIAI-ONTHEIT-large-v1",
        note=_KU,
    ),
    ModelPreset(
        "KU-HIAI-ONTHEIT/ontheit-large-v1_1",
        1024,
        512,
        "mean",
        "not public",
        _HUB,
        **_E5,
        benchmark_name="KU-HIAI-ONTHEIT-large-v1.1",
        note=_KU,
    ),
    ModelPreset(
        "openai:text-embedding-3-large",
        3072,
        8191,
        "service",
        "OpenAI's terms",
        "OpenAI",
        benchmark_name="openai_embed_3_large",
        usd_per_million_tokens=0.13,
    ),
    ModelPreset(
        "openai:text-embedding-3-small",
        1536,
        8191,
        "service",
        "OpenAI's terms",
        "OpenAI",
        benchmark_name="openai_embed_3_small",
        usd_per_million_tokens=0.02,
    ),
    ModelPreset(
        "openai:text-embedding-ada-002",
        1536,
        8191,
        "service",
        "OpenAI's terms",
        "OpenAI",
        benchmark_name="openai ada 002",
        usd_per_million_tokens=0.1,
    ),
    ModelPreset(
        "cohere:embed-multilingual-v3.0",
        1024,
        512,
        "service",
        "Cohere's terms",
        "Cohere",
        **_COHERE,
        benchmark_name="Cohere embed-multilingual-v3.0",
        usd_per_million_tokens=0.1,
    ),
    ModelPreset(
        "upstage:solar-embedding-1-large",
        4096,
        4000,
        "service",
        "Upstage's terms",
        "Upstage",
        **_UPSTAGE,
        benchmark_name="Upstage Embedding",
        usd_per_million_tokens=0.1,
        note="the prompt chooses between its query and its passage model",
    ),
    ModelPreset(
        "upstage:solar-embedding-2",
        1024,
        None,
        "service",
        "Upstage's terms",
        "Upstage",
        **_UPSTAGE,
        note="the prompt chooses between its query and its passage model",
    ),
)
_BY_NAME = {preset.name: preset for preset in _PRESETS} | {
    preset.benchmark_name: preset for preset in _PRESETS if preset.benchmark_name
}


class ModelList(list[ModelPreset]):
    """Presets, with a table of them."""

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        pandas.DataFrame
            A row a model, a column a property.
        """
        return pd.DataFrame(
            [[getattr(model, one.name) for one in fields(ModelPreset)] for model in self],
            columns=[one.name for one in fields(ModelPreset)],
        )


def list_models() -> ModelList:
    """List the models that skko knows by name.

    Any other sentence-transformers model works too: pass its hub id or its directory. So does any server that speaks
    OpenAI's protocol: pass ``"http://host:port/v1#model"``.

    Returns
    -------
    list of ModelPreset
        The bundled model first; ``to_frame()`` makes a table of them.

    Examples
    --------
    >>> from skko import list_models
    >>> [model.name for model in list_models()][:2]
    ['skko-mini', 'dragonkue/bge-m3-ko']
    >>> list_models().to_frame().set_index("name").loc["nlpai-lab/KoE5", "query_prompt"]
    'query: '
    """
    return ModelList(_PRESETS)


def find_preset(name: str) -> ModelPreset | None:
    """Find what is known of a model.

    Parameters
    ----------
    name : str
        Its name, or its name in the AutoRAG table.

    Returns
    -------
    ModelPreset or None
        None if it is not one of :func:`list_models`.

    Examples
    --------
    >>> find_preset("KoE5").name
    'nlpai-lab/KoE5'
    """
    return _BY_NAME.get(name)
