"""What Sphinx-Gallery does before each example."""

import os
from pathlib import Path
from typing import Any

from skko import set_config


def own_cache(gallery_conf: dict[str, Any], file: str) -> None:
    """Give an example a cache of its own: its counts are of what it embeds, not of what others have left.

    Parameters
    ----------
    gallery_conf : dict
        Of the gallery.
    file : str
        The example.
    """
    set_config(cache_dir=Path(os.environ["SKKO_CACHE_DIR"]) / Path(file).stem)
