"""The C functions of a compiled model, called in coordinates ``x = centre + scale z``.

They stand between the sampler and the functions of :mod:`itb_bayes.inference.callbacks` and know of
them by address alone, so one compiled pair serves any model. Python is not entered between two
draws: on a small cohort that would cost several times what the gradient costs.
"""

from dataclasses import replace
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray
from nutpie.compile_pymc import CompiledPyMCModel

from itb_bayes.inference.callbacks import EXPAND_SIGNATURE, LOGP_SIGNATURE, pointer
from itb_bayes.kernel.compiled import entry

Array = NDArray[np.float64]

_LOGP, _EXPAND, _RECORD, _CENTRE, _SCALE, _TURNED, _N_WORD = range(7)
"""Words of the record: addresses of both functions, of the model's own record, of the centre, of
the scale and of its transpose."""


def in_round_coordinates(
    compiled: CompiledPyMCModel, centre: Array, scale: Array, start: Any
) -> CompiledPyMCModel:
    """Return the model with points ``z`` in place of ``centre + scale z``.

    Parameters
    ----------
    compiled : CompiledPyMCModel
    centre, scale : ndarray, shape (n_dim,) and (n_dim, n_dim)
    start : callable
        Seed to start point, in round coordinates.
    """
    held = [np.array(values, dtype=np.float64, order="C") for values in (centre, scale, scale.T)]
    record = np.array(
        [
            compiled.compiled_logp_func.address,
            compiled.compiled_expand_func.address,
            compiled.user_data.ctypes.data,
            *(values.ctypes.data for values in held),
        ],
        dtype=np.uint64,
    )
    # Whoever holds the record must hold what it points to.
    kept = {"_model": compiled, **{f"_round_{k}": values for k, values in enumerate(held)}}
    return replace(
        compiled,
        compiled_logp_func=_logp,
        compiled_expand_func=_expand,
        user_data=record,
        shared_data=kept,
        initial_point_func=start,
    )


def _logp_at(typingctx, address, dim, x, gradient, value, record):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        where, *passed, record_ = arguments
        passed.append(builder.inttoptr(record_, cgutils.voidptr_t))
        return _called(context, builder, LOGP_SIGNATURE, where, passed)

    return types.int64(address, dim, x, gradient, value, record), codegen


def _expand_at(typingctx, address, dim, n, x, out, record):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        where, *passed, record_ = arguments
        passed.append(builder.inttoptr(record_, cgutils.voidptr_t))
        return _called(context, builder, EXPAND_SIGNATURE, where, passed)

    return types.int64(address, dim, n, x, out, record), codegen


def _room_for(typingctx, n):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.alloca(context.get_value_type(types.double), size=arguments[0])

    return types.CPointer(types.double)(n), codegen


_call_logp: Any = intrinsic(_logp_at)
_call_expand: Any = intrinsic(_expand_at)
_room: Any = intrinsic(_room_for)
"""Room for doubles until the function returns. It cannot fail as setting memory aside can: nothing
may be raised in a function that C calls."""


def _called(context: Any, builder: Any, signature: Any, where: Any, passed: list[Any]) -> Any:
    kinds = [context.get_value_type(kind) for kind in signature.args]
    kind = cgutils.ir.FunctionType(context.get_value_type(signature.return_type), kinds)
    return builder.call(builder.inttoptr(where, kind.as_pointer()), passed)


@entry
def _place(words: Any, n: int, z: Any, x: Any) -> None:
    """Put the point at ``z`` into ``x``, column after column of the scale."""
    centre = numba.carray(pointer(words[_CENTRE]), (n,), np.float64)
    turned = numba.carray(pointer(words[_TURNED]), (n, n), np.float64)
    for i in range(n):
        x[i] = centre[i]
    for j in range(n):
        for i in range(n):
            x[i] += turned[j, i] * z[j]


@numba.cfunc(LOGP_SIGNATURE, cache=True)
def _logp(dim: Any, z_: Any, gradient_: Any, value_: Any, record_: Any) -> Any:
    words, n = numba.carray(record_, (_N_WORD,), np.uint64), int(dim)
    x_, at_x_ = _room(dim), _room(dim)
    _place(words, n, numba.carray(z_, (n,)), numba.carray(x_, (n,)))
    code: Any = _call_logp(words[_LOGP], dim, x_, at_x_, value_, words[_RECORD])
    if code != 0:
        return code
    scale = numba.carray(pointer(words[_SCALE]), (n, n), np.float64)
    at_x, gradient = numba.carray(at_x_, (n,)), numba.carray(gradient_, (n,))
    for j in range(n):
        gradient[j] = 0.0
    for i in range(n):
        for j in range(n):
            gradient[j] += scale[i, j] * at_x[i]
    return 0


@numba.cfunc(EXPAND_SIGNATURE, cache=True)
def _expand(dim: Any, expanded: Any, z_: Any, out_: Any, record_: Any) -> Any:
    words, n = numba.carray(record_, (_N_WORD,), np.uint64), int(dim)
    x_ = _room(dim)
    _place(words, n, numba.carray(z_, (n,)), numba.carray(x_, (n,)))
    return _call_expand(words[_EXPAND], dim, expanded, x_, out_, words[_RECORD])
