"""The fast product of two sets of rows, tile by tile, on any device; what it finds is scored again exactly."""

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from skko.config import get_config
from skko.exceptions import DeviceNotAvailableError
from skko.similarity._processor import (
    UNIT_ROUNDOFF,
    Bfloat16Products,
    NumpyProducts,
    bfloat16_is_faster,
    enough,
    lost_in_sums,
)
from skko.similarity.cosines import Rows

Precision = Literal["auto", "float32", "float16", "bfloat16"]

# Fewer multiplications than these take NumPy less time than it takes to import torch.
_WORTH_TORCH = 1e11


class Products(Protocol):
    """Products of the rows of two sides, one tile in memory at a time.

    Attributes
    ----------
    slack : float
        How far a product may be from the true cosine.
    """

    slack: float

    def compute(self, rows: slice, columns: slice) -> None:
        """Compute a tile, in place of the one before.

        Parameters
        ----------
        rows, columns : slice
            Rows of either side.
        """

    def reaching(
        self, least: NDArray[np.float32], *, turned: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Find the tile's products that are large enough.

        Parameters
        ----------
        least : ndarray of float32, shape (n_rows,)
            What a product of each row must reach.
        turned : bool, default=False
            Whether to read the tile by its columns, as if they were rows.

        Returns
        -------
        rows, columns : ndarray of int
            Where they are in the tile; of each row, columns ascend.
        values : ndarray of float32
            The products.
        """

    def kth(self, k: int, *, turned: bool = False) -> NDArray[np.float32]:
        """Find a product that k of each row of the tile reach.

        Parameters
        ----------
        k : int
            No more than the tile's columns.
        turned : bool, default=False
            Whether to read the tile by its columns, as if they were rows.

        Returns
        -------
        ndarray of float32, shape (n_rows,)
            The k-th largest of the row's first products, of some times k of them.
        """


def products_of(left: Rows, right: Rows, device: str = "auto", precision: Precision = "auto") -> Products:
    """Choose who multiplies.

    Parameters
    ----------
    left, right : Rows
        The two sides.
    device : str, default="auto"
        ``"cpu"`` is the processor, anything else a device of torch. ``"auto"`` is the setting ``device``, and where
        that is ``"auto"`` too CUDA if there is any; work that is over in a second stays on the processor.
    precision : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        Of the fast product, never of a result: ``"auto"`` is float16 on CUDA, bfloat16 on a processor that multiplies
        it at least twice as fast, where the work is worth finding out, and float32 elsewhere.

    Returns
    -------
    Products
        Ready to compute tiles.

    Raises
    ------
    ValueError
        If the sides differ in their number of columns, or the precision is unknown.
    DeviceNotAvailableError
        If the device does not exist here.
    """
    if left.unit.shape[1] != right.unit.shape[1]:
        raise ValueError(f"A has {left.unit.shape[1]} columns and B has {right.unit.shape[1]}: they must be the same.")
    if precision not in ("auto", *UNIT_ROUNDOFF):
        raise ValueError(f'precision must be "auto", "float32", "float16" or "bfloat16", got {precision!r}.')
    multiplications = len(left) * len(right) * left.unit.shape[1]
    name = _device(device, multiplications)
    if precision == "auto":
        precision = _fastest(name, multiplications)
    if name == "cpu" and precision != "float16":
        return NumpyProducts(left, right) if precision == "float32" else Bfloat16Products(left, right)
    return _TorchProducts(left, right, name, precision)


def _fastest(device: str, multiplications: int) -> Precision:
    if device.startswith("cuda"):
        return "float16"
    worth_it = device == "cpu" and multiplications >= _WORTH_TORCH and bfloat16_is_faster()
    return "bfloat16" if worth_it else "float32"


def _device(device: str, multiplications: int) -> str:
    if device == "auto":
        if multiplications < _WORTH_TORCH:
            return "cpu"
        device = get_config()["device"]
    if device == "cpu":
        return device
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError, NotImplementedError) as error:
        raise DeviceNotAvailableError(
            f'Device {device!r} is not available on this machine ({str(error).splitlines()[0]}). Pass device="cpu".'
        ) from error
    return device


def _slack(dimension: int, precision: str) -> float:
    """How far a product may be from the true cosine, whatever the order of its sum.

    Half precision rounds both factors and the result; on a GPU a product in float32 may be rounded like float16 (TF32),
    and partial sums may be rounded too, for which as much again is left.
    """
    return lost_in_sums(dimension) + 8 * max(UNIT_ROUNDOFF[precision], UNIT_ROUNDOFF["float16"])


class _TorchProducts:
    def __init__(self, left: Rows, right: Rows, device: str, precision: str) -> None:
        import torch

        self.slack = _slack(left.unit.shape[1], precision)
        dtype = getattr(torch, precision)
        self._torch, self._device = torch, device
        self._left = torch.from_numpy(left.unit).to(device, dtype)
        self._right = self._left if right is left else torch.from_numpy(right.unit).to(device, dtype)
        self._tile: Any = None

    def compute(self, rows: slice, columns: slice) -> None:
        self._tile = None  # frees the one before first
        self._tile = self._left[rows] @ self._right[columns].T

    def reaching(
        self, least: NDArray[np.float32], *, turned: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        # Against float32, so that torch compares in float32 and the bound itself is not rounded to half precision.
        bound = self._torch.from_numpy(least).to(self._device)
        places = (self._tile >= (bound[None, :] if turned else bound[:, None])).nonzero()
        values = self._tile[places[:, 0], places[:, 1]].float()
        i, j = places.T.cpu().numpy()
        return (j, i, values.cpu().numpy()) if turned else (i, j, values.cpu().numpy())

    def kth(self, k: int, *, turned: bool = False) -> NDArray[np.float32]:
        first = (self._tile.T if turned else self._tile)[:, : enough(k)]
        values: NDArray[np.float32] = self._torch.topk(first, k, dim=1).values[:, -1].float().cpu().numpy()
        return values
