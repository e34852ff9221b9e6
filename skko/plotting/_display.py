"""What the displays share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.plotting.fonts import korean_text

LONGEST = 24
"""Characters of a topic's name on a plot."""


class Drawn:
    """A display that has been drawn: its axes, its figure, and a way to a file."""

    ax_: Any
    figure_: Any

    def save(self, path: Any, *, dpi: int = 150) -> None:
        """Write the plot to an image file.

        Parameters
        ----------
        path : path-like
            The file; its ending decides the format.
        dpi : int, default=150
            Dots an inch.
        """
        with korean_text():
            self.figure_.savefig(path, dpi=dpi)

    def _hold(self, ax: Any) -> None:
        """Keep the axes. Texts of axes that were made before, such as their title, get the font of the block."""
        from matplotlib import rcParams
        from matplotlib.text import Text

        for text in ax.findobj(Text):
            text.set_fontfamily(rcParams["font.family"])
        ax.tick_params(labelfontfamily=rcParams["font.family"])
        self.ax_, self.figure_ = ax, ax.get_figure(root=True)


def short(name: str) -> str:
    """Cut a name to what a plot has room for."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def colours(n_topics: int) -> NDArray[np.float64]:
    """Colours of topics as rows of red, green and blue from 0 to 1.

    Those next to each other are far apart: hues turn by the golden angle, and lightness takes turns.
    """
    from matplotlib.colors import hsv_to_rgb

    number = np.arange(n_topics)
    hue = (0.58 + number * 0.381966) % 1
    hsv = np.column_stack([hue, np.choose(number % 3, [0.75, 0.55, 0.9]), np.choose(number % 3, [0.8, 0.9, 0.6])])
    rgb: NDArray[np.float64] = hsv_to_rgb(hsv)
    return rgb
