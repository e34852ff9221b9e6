"""What Sphinx-Gallery does before each example."""

import os
from pathlib import Path
from typing import Any

from skko import set_config


def own_cache(gallery_conf: dict[str, Any], file: str) -> None:
    """Give an example a cache of its own: its counts are of what it embeds, not of what others have left.

    Data sets are those of the folder ``SKKO_DATA``, if it is set.

    Parameters
    ----------
    gallery_conf : dict
        Of the gallery.
    file : str
        The example.
    """
    folder = Path(os.environ["SKKO_CACHE_DIR"]) / Path(file).stem
    set_config(cache_dir=folder)
    if data := os.environ.get("SKKO_DATA"):
        folder.mkdir(exist_ok=True)
        (folder / "data").symlink_to(Path(data).resolve(), target_is_directory=True)
