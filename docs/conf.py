"""Sphinx configuration."""

from skko import __version__

project = "skko"
copyright = "2026, the skko developers"
version = release = __version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"skko {__version__}"

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say types, shapes and units
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# Methods inherited from scikit-learn link to its glossary and user guide, which are not here.
suppress_warnings = ["myst.xref_missing", "ref.ref", "ref.term"]
