"""The C functions that the sampler calls, around a model's compiled graphs, kept on disk.

nutpie writes such functions itself, but as closures over the data: they are compiled anew in every
process. Those here know the data by type and rank alone and read them through the pointers of
nutpie's record, so that one file serves any data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.extending import intrinsic
from pytensor.link.numba.cache import compile_numba_function_src

_DOUBLES = types.CPointer(types.double)
LOGP_SIGNATURE = types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr)
EXPAND_SIGNATURE = types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr)

# A C function must not let an exception pass to the sampler: any becomes a code, by the one clause
# for them that numba compiles. The sampler then refuses the point, or says that it failed.
_LOGP_SOURCE = """\
def logp(dim, x_, gradient_, value_, record_):
    if dim != {n_dim}:
        return -1
    try:
        words = carray(record_, ({n_word},), uint64)
        value, gradient = graph({arguments})
        total = value[()]
        carray(value_, (1,))[0] = total
        out = carray(gradient_, ({n_dim},))
        for k in range({n_dim}):
            out[k] = gradient[k]
            if not isfinite(out[k]):
                return 3
        if not isfinite(total):
            return 4
    except Exception:
        return 1
    return 0
"""
_EXPAND_SOURCE = """\
def expand(dim, expanded, x_, out_, record_):
    if dim != {n_dim} or expanded != {n_expanded}:
        return -1
    try:
        words = carray(record_, ({n_word},), uint64)
        (values,) = graph({arguments})
        out = carray(out_, ({n_expanded},))
        for k in range({n_expanded}):
            out[k] = values[k]
    except Exception:
        return -2
    return 0
"""


class NotKeptError(LookupError):
    """No compiled function is kept under a key."""


@dataclass(frozen=True)
class Layout:
    """Where a C function finds what it passes to its graph.

    Attributes
    ----------
    n_dim, n_expanded : int
        Lengths of a point, and of all variables of it.
    record : tuple of (str, int)
        Name and rank of each field of the record of data, in its order.
    dtypes : mapping of str to str
        Types of the data.
    logp_data, expand_data : tuple of str
        Data of each graph, in the order of its arguments.
    """

    n_dim: int
    n_expanded: int
    record: tuple[tuple[str, int], ...]
    dtypes: Mapping[str, str]
    logp_data: tuple[str, ...]
    expand_data: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Layout":
        """Return the layout of what :meth:`as_dict` gave."""
        return cls(
            int(values["n_dim"]),
            int(values["n_expanded"]),
            tuple((str(name), int(rank)) for name, rank in values["record"]),
            dict(values["dtypes"]),
            tuple(values["logp_data"]),
            tuple(values["expand_data"]),
        )

    @property
    def n_word(self) -> int:
        """Number of words of the record."""
        return sum(2 + rank for _, rank in self.record)

    def arguments(self, names: Sequence[str]) -> str:
        """Return the source of a graph's arguments: the point, and the data through the record.

        nutpie's record holds pointers of all fields, sizes of all, then the shapes, word by word.
        """
        places, ranks = {name: k for k, (name, _) in enumerate(self.record)}, dict(self.record)
        starts, start = {}, 2 * len(self.record)
        for name, rank in self.record:
            starts[name], start = start, start + rank
        found = [f"carray(x_, ({self.n_dim},))"]
        for name in names:
            shape = "".join(f"int64(words[{starts[name] + k}])," for k in range(ranks[name]))
            found.append(f"carray(pointer(words[{places[name]}]), ({shape}), {self.dtypes[name]})")
        return ", ".join(found)

    def logp_source(self) -> str:
        """Return the source of the function of value and gradient."""
        return _LOGP_SOURCE.format(
            n_dim=self.n_dim, n_word=self.n_word, arguments=self.arguments(self.logp_data)
        )

    def expand_source(self) -> str:
        """Return the source of the function of all variables."""
        return _EXPAND_SOURCE.format(
            n_dim=self.n_dim,
            n_expanded=self.n_expanded,
            n_word=self.n_word,
            arguments=self.arguments(self.expand_data),
        )

    @property
    def kinds(self) -> dict[str, Any]:
        """Types by the names that the sources give them."""
        return {kind: np.dtype(kind).type for kind in {*self.dtypes.values(), "int64", "uint64"}}


def compile_callbacks(key: str | None, layout: Layout, logp: Any, expand: Any) -> tuple[Any, Any]:
    """Compile the C functions of value with gradient, and of all variables, and keep them.

    Parameters
    ----------
    key : str or None
        What they are found by; None keeps nothing.
    layout : Layout
    logp, expand : callable
        Graphs compiled by numba.

    Returns
    -------
    pair of numba.core.ccallback.CFunc
    """
    return _callbacks(key, layout, {"graph": logp}, {"graph": expand})


def load_callbacks(key: str, layout: Layout) -> tuple[Any, Any]:
    """Return C functions that were kept.

    Raises
    ------
    NotKeptError
        If they are not there, or were compiled for another processor or version of numba.
    """
    try:
        return _callbacks(key, layout, {}, {})
    except NumbaError:  # not found, so it was to be compiled; and there is no graph
        raise NotKeptError(key) from None


def _callbacks(
    key: str | None, layout: Layout, logp: Mapping[str, Any], expand: Mapping[str, Any]
) -> tuple[Any, Any]:
    found = []
    for name, source, signature, graph in (
        ("logp", layout.logp_source(), LOGP_SIGNATURE, logp),
        ("expand", layout.expand_source(), EXPAND_SIGNATURE, expand),
    ):
        names = {
            "__name__": __name__,
            "carray": numba.carray,
            "isfinite": np.isfinite,
            "pointer": pointer,
        }
        kept_as = None if key is None else f"{name}-{key}"
        function = compile_numba_function_src(
            source, name, names | layout.kinds | dict(graph), {}, cache_key=kept_as
        )
        found.append(numba.cfunc(signature, cache=key is not None)(function))
    return found[0], found[1]


def _pointer_to(typingctx, word):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(word), codegen


pointer: Any = intrinsic(_pointer_to)
"""Turns an address into a pointer, within compiled code."""
