"""The door of each extra, tried in an environment that has the extra, or must say that it has not.

``python doors.py EXTRA present|absent MODEL`` ends with 0 where that holds. MODEL is a small transformer's folder.
"""

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from skko import KoEmbeddingFineTuner, KoEmbeddingTransformer, make_text_classifier
from skko.classification import save_classifier
from skko.cli.main import main as command_line
from skko.datasets import load_inquiries
from skko.distributed import embed_corpus
from skko.evaluation import as_mteb_encoder
from skko.exceptions import MissingDependencyError, SkkoError
from skko.plotting import ConfusionDisplay
from skko.similarity import ApproximateIndex, top_k

FOLDER = Path(tempfile.mkdtemp())
os.environ["SKKO_CACHE_DIR"] = str(FOLDER)  # a vector that is known asks for no model
PAIRS = [(f"질문 {i}", f"물음 {i}") for i in range(16)]


def corpus() -> Path:
    """A file of a few texts."""
    path = FOLDER / "글.txt"
    path.write_text("배송이 늦어요\n환불해 주세요\n", encoding="utf-8")
    return path


def tune(base: str, **params: object) -> None:
    """One step."""
    KoEmbeddingFineTuner(base=base, epochs=1, batch_size=8, device="cpu", **params).fit(PAIRS)


def save() -> None:
    """A small classifier."""
    inquiries = load_inquiries()
    save_classifier(make_text_classifier("skko-mini").fit(inquiries.texts, inquiries.topics), FOLDER / "a.skops")


def draw() -> None:
    """A picture with Hangul; the extra brings a font, and systems may have one."""
    ConfusionDisplay(np.eye(2, dtype=int), ["배송", "환불"]).plot().save(FOLDER / "a.png")


DOORS: dict[str, Callable[[str], object]] = {
    "viz": lambda model: draw(),
    "parquet": lambda model: embed_corpus(corpus(), FOLDER / "p", model="skko-mini", format="parquet"),
    "openvino": lambda model: KoEmbeddingTransformer(model, backend="openvino").fit_transform(["가"]),
    "ann": lambda model: top_k(np.eye(8), ApproximateIndex(np.eye(8)), 2),
    "save": lambda model: save(),
    "remote": lambda model: KoEmbeddingTransformer("openai:text-embedding-3-small", cache=False).fit_transform(["가"]),
    "train": lambda model: tune("skko-mini", learning_rate=0.01),
    "lora": lambda model: tune(model, lora=True),
    "mteb": lambda model: as_mteb_encoder(KoEmbeddingTransformer("skko-mini").fit(["가"])),
    "ray": lambda model: embed_corpus(corpus(), FOLDER / "r", model="skko-mini", engine="ray"),
    "completion": lambda model: command_line(["completion", "bash"]),
}
NOT_ASKED_FOR = {"viz", "completion"}  # no error reaches the caller: fonts fall back, the command prints its error


def try_door(extra: str, present: bool, model: str) -> str:
    """Say what is wrong, or nothing."""
    warnings.simplefilter("ignore")
    if not present:
        os.environ["OPENAI_API_KEY"] = "none"  # present, the door leads as far as to the key that lacks
    try:
        DOORS[extra](model)
    except MissingDependencyError as error:
        named = f"skko[{extra}]" in str(error)
        return "" if named and not present else f"{extra}: {error}"
    except SkkoError as error:
        # Such as a service without a key: the extra is there, and the door led on.
        return "" if present else f"{extra} is absent, and the error is another: {error}"
    return "" if present or extra in NOT_ASKED_FOR else f"{extra} is absent, and nothing says so"


if __name__ == "__main__":
    sys.exit(try_door(sys.argv[1], sys.argv[2] == "present", sys.argv[3]) or 0)
