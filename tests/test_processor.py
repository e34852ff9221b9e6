"""The fast product in bfloat16: how far off it may be, what it finds, and when it is chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skko.config import config_context
from skko.similarity import _processor, products, self_join, top_k
from skko.similarity._processor import Bfloat16Products, NumpyProducts, bfloat16_is_faster
from skko.similarity.cosines import Rows, cosines, prepare


def tile_of(product, left, right):
    product.compute(slice(0, len(left)), slice(0, len(right)))
    i, j, values = product.reaching(np.full(len(left), -2, dtype=np.float32))
    assert len(values) == len(left) * len(right)
    tile = np.empty((len(left), len(right)), dtype=np.float32)
    tile[i, j] = values
    return tile


def exact(left: Rows, right: Rows):
    i, j = np.indices((len(left), len(right))).reshape(2, -1)
    return cosines(left, right, i, j).astype(np.float64).reshape(len(left), len(right))


@st.composite
def rows_of_any_kind(draw):
    """Normal numbers, near copies, few large among many small, and numbers that lie between two of bfloat16."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows, dimension = draw(st.integers(1, 9)), draw(st.sampled_from([1, 2, 7, 64, 300]))
    kind = draw(st.sampled_from(["normal", "copies", "few large", "between"]))
    rows = rng.normal(size=(n_rows, dimension))
    if kind == "copies":
        rows = rows[:1] + 1e-4 * rows
    if kind == "few large":
        rows *= 10.0 ** rng.integers(-30, 3, size=rows.shape)
    if kind == "between":
        rows = rng.choice([-1, 1], size=rows.shape) * (1 + 2.0**-8)
    return prepare(rows.astype(np.float32))


@given(rows_of_any_kind(), st.data())
@settings(deadline=None)
def test_a_product_is_as_near_as_the_slack_says(left, data):
    right = left
    if data.draw(st.booleans()):
        right = data.draw(rows_of_any_kind().filter(lambda rows: rows.unit.shape[1] == left.unit.shape[1]))
    for kind, most in ((Bfloat16Products, 0.0125), (NumpyProducts, 1e-4)):
        product = kind(left, right)
        assert product.slack < most
        assert np.abs(tile_of(product, left, right) - exact(left, right)).max() <= product.slack


@given(rows_of_any_kind(), st.floats(-1, 1), st.booleans(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_what_reaches_a_bound_is_what_is_not_below_it(rows, centre, turned, seed):
    product = Bfloat16Products(rows, rows)
    tile = tile_of(product, rows, rows)
    rng = np.random.default_rng(seed)
    bounds = (centre + rng.choice([0, 0.01, 0.1]) * rng.normal(size=len(rows))).astype(np.float32)
    # A bound that is a product is the hardest one, and the floats beside it.
    value = rng.choice(tile.ravel())
    bounds[0] = rng.choice([value, np.nextafter(value, np.float32(2)), np.nextafter(value, np.float32(-2))])
    i, j, values = product.reaching(bounds, turned=turned)
    seen = tile.T if turned else tile
    expected = np.argwhere(seen >= bounds[:, None])
    np.testing.assert_array_equal(sorted(zip(i.tolist(), j.tolist(), strict=True)), sorted(map(tuple, expected)))
    np.testing.assert_array_equal(values, seen[i, j])
    for k in (1, len(rows)):
        np.testing.assert_array_equal(product.kth(k, turned=turned), np.sort(seen, axis=1)[:, -k])


def test_bfloat16_is_chosen_where_it_is_faster_and_the_work_is_large(monkeypatch):
    rows = prepare(np.random.default_rng(0).normal(size=(50, 8)))
    monkeypatch.setattr(products, "bfloat16_is_faster", lambda: pytest.fail("little work is not worth a trial"))
    assert isinstance(products.products_of(rows, rows), NumpyProducts)
    monkeypatch.setattr(products, "_WORTH_TORCH", 0)
    for faster, expected in ((True, Bfloat16Products), (False, NumpyProducts)):
        monkeypatch.setattr(products, "bfloat16_is_faster", lambda faster=faster: faster)
        assert isinstance(products.products_of(rows, rows, device="cpu"), expected)
        with config_context(device="cpu"):
            assert isinstance(products.products_of(rows, rows), expected)
        assert isinstance(products.products_of(rows, rows, device="cpu", precision="float32"), NumpyProducts)


def test_what_is_found_does_not_depend_on_what_is_faster(monkeypatch):
    X = np.random.default_rng(0).normal(size=(900, 24)).astype(np.float32)
    monkeypatch.setattr(products, "_WORTH_TORCH", 0)
    found = []
    for faster in (True, False):
        monkeypatch.setattr(products, "bfloat16_is_faster", lambda faster=faster: faster)
        found.append([*top_k(X, X, 7, device="cpu"), self_join(X, 0.5, device="cpu")])
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("seconds", "off", "expected"), [(0.1, 0.0, True), (0.6, 0.0, False), (0.1, 0.1, False)])
def test_the_trial_wants_half_of_the_time_and_the_promised_exactness(monkeypatch, seconds, off, expected):
    runs = iter([seconds, 1.0])
    multiply = Bfloat16Products.compute

    def inexactly(self, rows, columns):
        multiply(self, rows, columns)
        self._tile = (self._floats(self._tile) + np.float32(off)).view(np.uint32) >> 16
        self._tile = self._tile.astype(np.int16)

    def timed(work):
        work()
        return next(runs)

    monkeypatch.setattr(_processor, "_seconds", timed)
    monkeypatch.setattr(Bfloat16Products, "compute", inexactly)
    assert bfloat16_is_faster.__wrapped__() is expected


def test_the_trial_is_made_once():
    assert bfloat16_is_faster() in (True, False)
    before = bfloat16_is_faster.cache_info().misses
    bfloat16_is_faster()
    assert bfloat16_is_faster.cache_info().misses == before
