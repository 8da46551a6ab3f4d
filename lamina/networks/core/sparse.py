"""Sparse rows: examples of which only nonzero entries are stored.

    h = x W        hᵢ = Σₖ xᵢₖ W[k]           over the entries of row i
    ∇W = xᵀ δ      ∇W[k] = Σᵢ xᵢₖ δᵢ          over the rows that have an entry k

An entry costs one row of W in either direction, whatever the number of features. On two
cores (Zen 4), with 40,000 features, 1 % of them nonzero, and 100 units, h of 200 rows
took 2.1 ms against 15 ms for dense rows, of 2,048 rows 17 ms against 117 ms; ∇W took
5.2 ms and 72 ms against 12 ms and 118 ms. Alternatives that were measured there:

* entries one by one, summed by row number: about as fast, but three times slower on
  2,048 rows, where finding the row of an entry costs more than the entry;
* rows padded to the longest: as fast if all rows have about the same length, but a
  single full row ruins it;
* the products of ``jax.experimental.sparse``: BCOO 5 and 8 ms; BCSR 1.4 ms on a CPU,
  but then the host has to sort xᵀ for every batch, which takes longer;
* chunks of 200 dense rows: 27 ms, and 32 MB per batch.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Union

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from numpy.typing import DTypeLike

from lamina.networks.core.arrays import Array

if TYPE_CHECKING:
    import scipy.sparse

PIECE = 16
"""Entries per piece of a row."""

PIECES = 64
"""Pieces processed at a time: what is gathered for them fits into the cache."""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["values", "columns", "starts", "counts", "dropout"],
    meta_fields=["features"],
)
@dataclass(frozen=True)
class SparseRows:
    """A batch of sparse rows x, in place of an array (batch, features).

    Row i has the entries from ``starts[i]`` to before ``starts[i] + counts[i]`` of the
    arrays ``values`` and ``columns``. Selecting rows only selects starts and counts;
    the entries stay in place. They may be in any order; repeated columns are summed.

    Shapes
    ------
    values and columns (entries,); starts and counts (batch,).

    Parameters
    ----------
    values : float array
    columns : int array
        Column of each value.
    starts, counts : int arrays
        First entry of each row, and its number of entries.
    features : int
        Number of columns.
    dropout : (key data, rate), optional
        Randomly dropped entries; see :meth:`dropped`.
    """

    values: Any
    columns: Any
    starts: Any
    counts: Any
    features: int
    dropout: Any = None

    @classmethod
    def from_csr(
        cls, x: Any, dtype: DTypeLike, size: int, entries: int
    ) -> "SparseRows":
        """Return all rows of a SciPy CSR array on the host, padded with empty rows.

        Parameters
        ----------
        x : SciPy CSR array (n, features)
        dtype : dtype of the values
        size : int
            Number of rows, at least n.
        entries : int
            Length of ``values`` and ``columns``, at least the number of entries.

        Raises
        ------
        ValueError
            If there are more entries than 32-bit integers can count.
        """
        if entries > np.iinfo(np.int32).max:
            raise ValueError(
                f"sparse inputs must have at most 2³¹ − 1 entries, got {x.nnz:,}; "
                "train on parts of them with partial_fit"
            )
        values, columns = np.zeros(entries, dtype), np.zeros(entries, np.int32)
        used = int(x.indptr[-1])
        values[:used], columns[:used] = x.data[:used], x.indices[:used]
        starts, counts = np.zeros(size, np.int32), np.zeros(size, np.int32)
        starts[: x.shape[0]] = x.indptr[:-1]
        counts[: x.shape[0]] = np.diff(x.indptr)
        return cls(values, columns, starts, counts, x.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """(batch, features), as of an array."""
        return self.starts.shape[0], self.features

    @property
    def ndim(self) -> int:
        """2, as of an array."""
        return 2

    @property
    def dtype(self) -> Any:
        """Dtype of the values."""
        return self.values.dtype

    @property
    def T(self) -> "Transposed":
        """xᵀ, for a product from the left."""
        return Transposed(self)

    def __matmul__(self, weight: Array) -> Any:
        """Return x W (batch, units)."""
        return _product(self, weight, transposed=False)

    def map_rows(self, function: Callable) -> "SparseRows":
        """Return the rows that a function selects along the first axis of an array."""
        return replace(self, starts=function(self.starts), counts=function(self.counts))

    def dropped(self, key: Array, rate: float) -> "SparseRows":
        """Return x with dropout: entries dropped at random and the others scaled up.

        The entries are those that :class:`lamina.networks.Dropout` sets to zero in
        dense rows with the same key, but without a mask of that size: JAX derives the
        random number of an array element from the key and the element's position alone.

        Raises
        ------
        ValueError
            If dropout is already applied.
        """
        if self.dropout is not None:
            raise ValueError("sparse rows support only one Dropout layer")
        return replace(self, dropout=(jax.random.key_data(key), rate))

    def _refuse(self, *_: Any) -> Any:
        """Reject operations that need an array: all but those of Dense and Dropout.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            "sparse inputs can go through Dropout into a Dense layer; anything else "
            "(noise on inputs, other layers) would make them dense. Pass X.toarray() "
            "if that fits into memory"
        )

    __array__ = __jax_array__ = __getitem__ = __neg__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = _refuse

    def __getattr__(self, name: str) -> Any:
        """Reject ``reshape``, ``mean`` and other attributes of arrays."""
        if name.startswith("__"):  # Python looks for optional special methods
            raise AttributeError(name)
        return self._refuse()


@dataclass(frozen=True)
class Transposed:
    """Transposed sparse rows."""

    rows: SparseRows

    def __matmul__(self, delta: Array) -> Any:
        """Return xᵀ δ (features, units)."""
        return _product(self.rows, delta, transposed=True)


# A name, not the class: importing SciPy's takes 0.3 s, and most data are not sparse.
Examples = Union[Array, SparseRows, "scipy.sparse.csr_array", "scipy.sparse.csr_matrix"]
"""A batch of examples, as a layer takes it: compiled, or with NumPy."""


def map_rows(function: Callable, tree: Any) -> Any:
    """Select rows of all arrays of a tree, including sparse rows.

    Parameters
    ----------
    function : callable
        Selects along the first axis of an array: ``lambda a: a[rows]`` or a slice.
    tree : pytree of arrays with the same first axis, and of :class:`SparseRows`
    """

    def choose(leaf: Any) -> Any:
        sparse = isinstance(leaf, SparseRows)
        return leaf.map_rows(function) if sparse else function(leaf)

    return jax.tree.map(choose, tree, is_leaf=lambda x: isinstance(x, SparseRows))


# ---- the product as a primitive ----------------------------------------------------
# JAX can differentiate the loop below, but not well: it would keep a gradient of W for
# every iteration. As a primitive that is linear in its last argument, the product can
# be differentiated in both modes, any number of times, and vmapped.

_product_p = Primitive("sparse_rows_product")


def _product(rows: SparseRows, m: Array, transposed: bool) -> Any:
    """Return x m, or xᵀ m."""
    shape = rows.shape[::-1] if transposed else rows.shape
    if np.ndim(m) != 2 or shape[1] != m.shape[0]:
        raise ValueError(f"sparse {shape} @ {m.shape}: the shapes do not match")
    leaves, tree = jax.tree.flatten(rows)
    return _product_p.bind(*leaves, m, tree=tree, transposed=transposed)


@partial(jax.jit, static_argnames=("tree", "transposed"))
def _computed(*args: Any, tree: Any, transposed: bool) -> Any:
    """Process the entries, piece by piece of the rows.

    Equations
    ---------
        row i has ⌈countsᵢ / PIECE⌉ pieces, cᵢ is their sum up to row i;
        piece q belongs to the first row r with c_r > q
    """
    *leaves, m = args
    x: SparseRows = jax.tree.unflatten(tree, leaves)
    pieces = -(-x.counts // PIECE)
    c = jnp.cumsum(pieces)
    within = jnp.arange(PIECE, dtype=c.dtype)

    def turn(i: jax.Array, out: jax.Array) -> Any:
        q = i * PIECES + jnp.arange(PIECES, dtype=c.dtype)
        r = jnp.minimum(jnp.searchsorted(c, q, side="right"), len(c) - 1)
        at = ((q - c[r] + pieces[r]) * PIECE)[:, None] + within
        real = at < x.counts[r][:, None]  # also False after the last piece
        # Where there is no entry, any valid index will do: the value becomes 0.
        position = jnp.where(real, x.starts[r][:, None] + at, 0)
        k = x.columns[position]
        value = jnp.where(real, _kept(x, x.values[position], r, k), 0)
        if transposed:
            return out.at[k].add(value[:, :, None] * m[r][:, None, :])
        # One entry of every piece at a time: a sum over a (PIECES, PIECE, units) array
        # takes 50 % longer.
        h = sum(value[:, j, None] * m[k[:, j]] for j in range(PIECE))
        return out.at[r].add(h)

    size = x.features if transposed else x.shape[0]
    zeros = jnp.zeros((size, m.shape[1]), jnp.result_type(x.values, m))
    # As many turns as this batch has pieces: a long row costs turns, not padding.
    return jax.lax.fori_loop(0, -(-c[-1] // PIECES), turn, zeros)


def _kept(x: SparseRows, value: Array, row: Array, column: Array) -> Any:
    """Return the values after dropout: 0 or value / (1 − rate).

    ``fold_in`` turns the key and a position into the two words from which JAX derives
    the random number of that array element.
    """
    if x.dropout is None:
        return value
    words, rate = x.dropout
    key = jax.random.wrap_key_data(words)
    position = row[:, None].astype(np.uint32) * x.features + column
    fold_in = jax.vmap(jax.vmap(lambda at: jax.random.fold_in(key, at)))
    high, low = jnp.moveaxis(jax.random.key_data(fold_in(position)), -1, 0)
    u = _uniform(high, low, jnp.result_type(rate))
    return jnp.where(u < 1 - rate, value / (1 - rate), 0)


def _uniform(high: Array, low: Array, dtype: DTypeLike) -> Any:
    """Return the number in [0, 1) of ``jax.random.uniform`` for two words."""
    if dtype == np.float32:
        # JAX's 32 random bits are the XOR of the two words
        # (`jax_threefry_partitionable`). As a mantissa with the exponent of 1 they are
        # a number in [1, 2).
        bits = ((high ^ low) >> 9) | np.uint32(0x3F800000)
        return jax.lax.bitcast_convert_type(bits, np.float32) - 1
    bits = (high.astype(np.uint64) << 32) | low.astype(np.uint64)
    bits = (bits >> 12) | np.uint64(0x3FF0000000000000)
    return jax.lax.bitcast_convert_type(bits, np.float64) - 1


def _shape(*args: Any, tree: Any, transposed: bool) -> Any:
    *leaves, m = args
    x: SparseRows = jax.tree.unflatten(tree, leaves)
    size = x.features if transposed else x.shape[0]
    return m.update(shape=(size, m.shape[1]), dtype=jnp.result_type(x.dtype, m.dtype))


def _derivative(args: Any, tangents: Any, **how: Any) -> tuple[Any, Any]:
    """Return the product and its derivative; it is linear in the last argument."""
    if any(type(t) is not ad.Zero for t in tangents[:-1]):
        raise ValueError(
            "the gradient with respect to sparse inputs is dense: pass X.toarray()"
        )
    *leaves, _ = args
    return _product_p.bind(*args, **how), _product_p.bind(*leaves, tangents[-1], **how)


def _transpose(g: Any, *args: Any, tree: Any, transposed: bool) -> list[Any]:
    *leaves, _ = args
    back = _product_p.bind(*leaves, g, tree=tree, transposed=not transposed)
    return [None] * len(leaves) + [back]


def _mapped(args: Any, axes: Any, **how: Any) -> tuple[Any, int]:
    """Return the products of many models; with shared rows in a single product."""
    *leaves, m = args
    if all(axis is None for axis in axes[:-1]):
        # The matrices of all models side by side: the entries are read once.
        m = jnp.moveaxis(m, axes[-1], 1)
        out = _product_p.bind(*leaves, m.reshape(len(m), -1), **how)
        return out.reshape(len(out), *m.shape[1:]), 1

    mapped = [i for i, axis in enumerate(axes) if axis is not None]
    own = [jnp.moveaxis(args[i], axes[i], 0) for i in mapped]

    def one(own: Any) -> Any:
        full = list(args)
        for i, value in zip(mapped, own, strict=True):
            full[i] = value
        return _product_p.bind(*full, **how)

    return jax.lax.map(one, own), 0


_product_p.def_impl(_computed)
_product_p.def_abstract_eval(_shape)
ad.primitive_jvps[_product_p] = _derivative
ad.primitive_transposes[_product_p] = _transpose
batching.primitive_batchers[_product_p] = _mapped
mlir.register_lowering(_product_p, mlir.lower_fun(_computed, multiple_results=False))
