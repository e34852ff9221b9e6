"""Data: sentences that come with skko, and files of your own."""

from skko.datasets.bundled import Inquiries, load_inquiries
from skko.datasets.files import Texts, load_texts
from skko.datasets.streams import TextBlock, stream_texts

__all__ = ["Inquiries", "TextBlock", "Texts", "load_inquiries", "load_texts", "stream_texts"]
