"""The OpenVINO backend: the torch model converted once, and on the CPU from then on."""

import json
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.config import get_config
from skko.exceptions import CacheWarning, DeviceMemoryError, ModelNotAvailableError
from skko.folders import private_folder
from skko.models.backends.loading import facts_of, hides_prompt, is_plain, load_model
from skko.models.backends.quantisation import GROUP, quantise_graph
from skko.models.backends.tokenisation import Tokeniser, TokenTable
from skko.models.hub import describe
from skko.models.identity import local_content, model_fingerprint
from skko.models.spec import ModelFacts, ModelSpec
from skko.optional import import_optional
from skko.threads import asked_threads

# By dtype: what OpenVINO calls it, the tokens a batch that were fastest on two cores (benchmarks/results/encode.md),
# and the least cosine to torch's float32 that passes for the same model.
_DTYPES = {"float32": ("f32", 512, 0.99999), "bfloat16": ("bf16", 1_024, 0.995), "int8": ("f32", 512, 0.995)}
# Embedded by torch when a model is converted, and by OpenVINO whenever it is loaded.
_SENTENCES = (
    "환불",
    "주문한 상품이 아직 도착하지 않았는데 언제쯤 받을 수 있을까요?",
    "USB-C 케이블 2개를 2026년 3월에 샀어요. " * 12,
)
# What is being written is called this, and nobody writes for longer (seconds).
_PART, _ABANDONED = ".part-", 24 * 3600.0


@dataclass(frozen=True)
class _Converted:
    """A converted model and what must be known to use it without torch."""

    graph: Any  # an openvino.Model, or the path of one
    tokeniser: Tokeniser
    facts: ModelFacts
    hides_prompt: bool
    references: NDArray[np.float32]


class OpenVINOEncoder:
    """A model converted from torch by OpenVINO, with its pooling and all that follows.

    The conversion is kept in the folder ``openvino`` of the cache directory. Loading it imports neither torch nor
    sentence-transformers. Three sentences are compared with torch's vectors at every load.

    Parameters
    ----------
    spec : ModelSpec
        What to load. Its device is the CPU.

    Raises
    ------
    ModelNotAvailableError
        If the model cannot be read, or gives other vectors than by torch.
    ValueError
        If the device, the dtype or the architecture is not for this backend.
    MissingDependencyError
        If OpenVINO is not installed.
    """

    def __init__(self, spec: ModelSpec) -> None:
        _import_openvino()
        if spec.dtype not in _DTYPES:
            raise ValueError(f"dtype={spec.dtype!r} is not known to the openvino backend: use one of {list(_DTYPES)}.")
        if spec.device != "cpu":
            raise ValueError(
                f'backend="openvino" runs on the CPU, and the device is {spec.device!r}: pass device="cpu".'
            )
        self.batch_tokens = _DTYPES[spec.dtype][1]
        self._compiled: Any = None
        if not self._use_kept(spec):
            converted = _convert(spec)
            self._use(converted, spec)
            _write(converted, _folder(spec))  # which is known only now, where the model had to be downloaded

    def tokenise(self, texts: Sequence[str], *, prompt: str, max_length: int | None) -> TokenTable:
        """Make texts ready, each behind the prompt and cut at ``max_length`` tokens.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Texts.
        prompt : str
            Text to put before each.
        max_length : int or None
            Longest input in tokens; None is what the model reads.

        Returns
        -------
        Tokens
            The texts with their lengths.
        """
        if prompt and self._hides_prompt:
            raise ValueError('This model leaves its prompt out of the pooling: use backend="torch", or no prompt.')
        return self._tokeniser([prompt + text for text in texts], max_length or self.facts.max_length)

    def embed(self, tokens: TokenTable, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Embed some rows as one batch.

        Parameters
        ----------
        tokens : Tokens
            What :meth:`tokenise` returned.
        rows : ndarray of int, shape (n_rows,)
            Which of its texts.

        Returns
        -------
        ndarray of float32, shape (n_rows, dimension)
            What the model's last module gives.

        Raises
        ------
        DeviceMemoryError
            If the batch does not fit into memory.
        """
        try:
            if self._compiled is None:
                self._compiled = self._compile()
            return np.array(self._compiled(tokens.padded(rows))[0], dtype=np.float32)
        except (RuntimeError, MemoryError) as error:
            if not (isinstance(error, MemoryError) or "alloc" in str(error)):
                raise
            # It, and every new request of it, would ask for as much at the next batch again, however small.
            self._compiled = None
            raise DeviceMemoryError(str(error).strip().rpartition("\n")[2] or describe(error)) from error

    def _use_kept(self, spec: ModelSpec) -> bool:
        """Use the conversion on the disk, if there is one and it works."""
        folder = _folder(spec)
        if folder is None or not folder.exists():
            return False
        try:
            self._use(_read(folder), spec)
        except (_TooCoarseError, MemoryError):
            raise
        except Exception as error:  # a damaged file surfaces as almost anything
            warnings.warn(
                f"The converted model in {folder} does not work ({describe(error)}); it is converted again.",
                CacheWarning,
                stacklevel=2,
            )
            shutil.rmtree(folder, ignore_errors=True)
            return False
        return True

    def _use(self, converted: _Converted, spec: ModelSpec) -> None:
        """Compile a graph for this machine, and compare what it gives with what torch gave."""
        import openvino

        precision, _, least = _DTYPES[spec.dtype]
        core, graph = openvino.Core(), converted.graph
        settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if spec.dtype == "int8":
            # One conversion serves all dtypes, so it is a copy that is rounded.
            graph = quantise_graph(core.read_model(graph) if isinstance(graph, Path) else graph.clone())
            settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(GROUP)
        if (threads := _n_threads()) is not None:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        self._compile = partial(core.compile_model, graph, "CPU", settings)
        self._compiled = self._compile()
        self._tokeniser, self._hides_prompt = converted.tokeniser, converted.hides_prompt
        self.facts = replace(converted.facts, fingerprint=model_fingerprint(spec, converted.facts.fingerprint))
        vectors = self.embed(self.tokenise(_SENTENCES, prompt="", max_length=None), np.arange(len(_SENTENCES)))
        cosine = _least_cosine(vectors, converted.references)
        if not cosine >= least:  # NaN is not
            message = (
                f"By OpenVINO in {spec.dtype}, {spec.name!r} gives other vectors than by torch (cosine {cosine:.6f}, "
                f'and {least} is asked for). Use backend="torch"'
            )
            if spec.dtype == "float32":
                raise ModelNotAvailableError(f"{message}.")
            self._use(converted, replace(spec, dtype="float32"))  # or it is the conversion that is at fault
            raise _TooCoarseError(f'{message}, or dtype="float32".')


class _TooCoarseError(ModelNotAvailableError):
    """The conversion is good, and the dtype loses too much of this model."""


def _n_threads() -> int | None:
    """As many threads as torch would take, so that joblib's workers do not crowd each other; None is all cores."""
    if (torch := sys.modules.get("torch")) is not None:  # importing it takes longer than loading the model
        return int(torch.get_num_threads())
    return asked_threads()


def _import_openvino() -> None:
    """Import OpenVINO without its telemetry, which tells a service of each import and conversion if nobody forbade it.

    Where that package cannot be imported OpenVINO does without. A process that has it already is left as it is.
    """
    telemetry = "openvino_telemetry"
    loaded = telemetry in sys.modules
    if not loaded:
        sys.modules[telemetry] = None  # type: ignore[assignment]  # so Python says that it is not there
    try:
        import_optional("openvino", extra="openvino", purpose='run models with backend="openvino"')
    finally:
        if not loaded:
            del sys.modules[telemetry]


def _convert(spec: ModelSpec) -> _Converted:
    """Load the model by torch and trace it, from token ids to the last module's vectors."""
    import openvino
    import torch

    on_torch = replace(spec, backend="torch", dtype="float32")
    model, content = load_model(on_torch)
    if not is_plain(model) or model.transformers_model is None:
        raise ValueError(
            f"{spec.name!r} does not begin with a transformer that reads plain tokens, and only such models can be "
            'converted for OpenVINO. Use backend="torch".'
        )
    tokeniser = Tokeniser.of_transformers(model.tokenizer)
    # The content stands where the fingerprint will be: that depends on the dtype, and one conversion serves all.
    facts = replace(facts_of(model, on_torch, content), fingerprint=content)
    tokens = tokeniser(_SENTENCES, facts.max_length).padded(np.arange(len(_SENTENCES)))
    inputs = {name: torch.from_numpy(ids) for name, ids in tokens.items()}
    module = _as_function(model, list(inputs))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing fears for every shape that it will not vary; the check is in _use
        references = module(*inputs.values()).numpy()
        try:
            graph = openvino.convert_model(module, example_input=tuple(inputs.values()))
        except Exception as error:  # what tracing meets in an architecture surfaces as almost anything
            raise ModelNotAvailableError(
                f'{spec.name!r} cannot be converted for OpenVINO ({describe(error)}). Use backend="torch".'
            ) from error
    for graph_input, name in zip(graph.inputs, inputs, strict=True):
        graph_input.get_tensor().set_names({name})
    return _Converted(graph, tokeniser, facts, hides_prompt(model), references)


def _as_function(model: Any, names: list[str]) -> Any:
    """The model as a function of its inputs in order, as tracing wants it."""
    import torch

    class Function(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Any) -> Any:
            return self.model({**dict(zip(names, inputs, strict=True)), "modality": "text"})["sentence_embedding"]

    return Function().eval()


def _folder(spec: ModelSpec) -> Path | None:
    """Where the conversion of a model is kept; None for one that is yet to be downloaded."""
    import openvino

    content = local_content(spec)
    if content is None:
        return None
    name = model_fingerprint(replace(spec, dtype="float32"), f"{content} {openvino.__version__}")
    return Path(get_config()["cache_dir"]) / "openvino" / name


def _read(folder: Path) -> _Converted:
    """A conversion from the disk."""
    settings = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return _Converted(
        folder / "model.xml",
        Tokeniser.load(folder),
        ModelFacts(**settings["facts"]),
        settings["hides_prompt"],
        np.load(folder / "references.npy"),
    )


def _write(converted: _Converted, folder: Path | None) -> None:
    """Keep a conversion: all of it or nothing, whoever else writes it and whatever ends this process."""
    import openvino

    if folder is None:
        return
    try:
        _remove_abandoned(private_folder(folder.parent))
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_PART))
        try:
            openvino.save_model(converted.graph, part / "model.xml", compress_to_fp16=False)
            converted.tokeniser.save(part)
            np.save(part / "references.npy", converted.references)
            settings = {"facts": asdict(converted.facts), "hides_prompt": converted.hides_prompt}
            (part / "model.json").write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
            try:
                part.rename(folder)
            except OSError:
                if not folder.exists():  # another process was as quick
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except (OSError, RuntimeError) as error:
        warnings.warn(
            f"The model converted for OpenVINO cannot be kept in {folder.parent} ({describe(error)}), and is converted "
            "again at the next start. SKKO_CACHE_DIR names another directory.",
            CacheWarning,
            stacklevel=2,
        )


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes that were killed had begun to write: a model is a gigabyte."""
    for part in folder.glob(f"{_PART}*"):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(part, ignore_errors=True)


def _least_cosine(vectors: NDArray[np.float32], references: NDArray[np.float32]) -> float:
    """Least cosine of any sentence; NaN if one has none."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(references, axis=1)
    return float(np.min((vectors * references).sum(axis=1) / lengths))
