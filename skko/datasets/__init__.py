"""Data: sentences that come with skko, public data sets that are downloaded, and files of your own."""

from skko.datasets.bundled import Inquiries, load_inquiries
from skko.datasets.documents import AutoragBenchmark, fetch_autorag, fetch_kowiki, fetch_petitions
from skko.datasets.files import Texts, load_texts
from skko.datasets.labelled_texts import (
    fetch_intents,
    fetch_nsmc,
    fetch_parakqc,
    fetch_sentineg,
    fetch_stylekqc,
    fetch_ynat,
)
from skko.datasets.sentence_pairs import fetch_chatbot, fetch_korsts, fetch_question_pair, fetch_sae4k, fetch_xnli
from skko.datasets.streams import TextBlock, stream_texts

__all__ = [
    "AutoragBenchmark",
    "Inquiries",
    "TextBlock",
    "Texts",
    "fetch_autorag",
    "fetch_chatbot",
    "fetch_intents",
    "fetch_korsts",
    "fetch_kowiki",
    "fetch_nsmc",
    "fetch_parakqc",
    "fetch_petitions",
    "fetch_question_pair",
    "fetch_sae4k",
    "fetch_sentineg",
    "fetch_stylekqc",
    "fetch_xnli",
    "fetch_ynat",
    "load_inquiries",
    "load_texts",
    "stream_texts",
]
