"""Sphinx configuration."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from skko import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for gallery.py

project = "skko"
copyright = "2026, the skko developers"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_gallery/*.ipynb"]
html_theme = "furo"
html_title = f"skko {__version__}"
html_static_path = ["_static"]
html_css_files = ["skko.css"]

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say types, shapes and units
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
myst_heading_anchors = 3
# Methods inherited from scikit-learn link to its glossary and user guide, which are not here.
suppress_warnings = ["myst.xref_missing", "ref.ref", "ref.term"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "_gallery",
    # All of them are run; petitions, which are downloaded, where SKKO_DATA names a folder that has them.
    "filename_pattern": r"\.py$" if "SKKO_DATA" in os.environ else r"(?<!petitions)\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "reset_modules": ("matplotlib", "gallery.own_cache"),
    "capture_repr": ("_repr_html_",),
    "doc_module": ("skko",),
    "reference_url": {"skko": None},
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

# The gallery shows what the models do, and not what an earlier build has kept.
_cache = tempfile.TemporaryDirectory(prefix="skko-docs-", ignore_cleanup_errors=True)
os.environ["SKKO_CACHE_DIR"] = _cache.name
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("SKKO_DEVICE", "cpu")


def _copy_results() -> None:
    """Put the committed tables of the benchmarks where the performance page finds them."""
    docs = Path(__file__).parent
    shutil.rmtree(docs / "_results", ignore_errors=True)
    shutil.copytree(docs.parent / "benchmarks" / "results", docs / "_results")


_copy_results()
