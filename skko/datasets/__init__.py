"""Data: sentences that come with skko, and files of your own."""

from skko.datasets.bundled import Inquiries, load_inquiries
from skko.datasets.files import Texts, load_texts

__all__ = ["Inquiries", "Texts", "load_inquiries", "load_texts"]
