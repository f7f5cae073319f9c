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

Array = NDArray[np.float64]

_LOGP, _EXPAND, _RECORD, _CENTRE, _SCALE, _TURNED, _N_WORD = range(7)
"""Words of the record: addresses of both functions, of the model's own record, of the centre, of
the scale and of its transpose."""
_FAILED = 1
"""The code of a point that the sampler refuses."""


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
    """Call a function of value and gradient at an address."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        where, n, *arrays, value_, record_ = arguments
        kinds = signature.args
        data = [
            context.make_array(kind)(context, builder, array).data
            for kind, array in zip(kinds[2:4], arrays, strict=True)
        ]
        passed = [n, *data, value_, builder.inttoptr(record_, cgutils.voidptr_t)]
        return _called(context, builder, LOGP_SIGNATURE, where, passed)

    return types.int64(address, dim, x, gradient, value, record), codegen


def _expand_at(typingctx, address, dim, n, x, out, record):  # type: ignore[no-untyped-def]
    """Call a function of all variables at an address."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        where, n_dim, n_out, array, out_, record_ = arguments
        data = context.make_array(signature.args[3])(context, builder, array).data
        passed = [n_dim, n_out, data, out_, builder.inttoptr(record_, cgutils.voidptr_t)]
        return _called(context, builder, EXPAND_SIGNATURE, where, passed)

    return types.int64(address, dim, n, x, out, record), codegen


_call_logp: Any = intrinsic(_logp_at)
_call_expand: Any = intrinsic(_expand_at)


def _called(context: Any, builder: Any, signature: Any, where: Any, passed: list[Any]) -> Any:
    kinds = [context.get_value_type(kind) for kind in signature.args]
    kind = cgutils.ir.FunctionType(context.get_value_type(signature.return_type), kinds)
    return builder.call(builder.inttoptr(where, kind.as_pointer()), passed)


@numba.njit(cache=True, error_model="numpy")
def _place(words: Any, n: int, z: Any) -> Any:
    """Return the point at ``z``, column after column of the scale."""
    x = numba.carray(pointer(words[_CENTRE]), (n,), np.float64).copy()
    turned = numba.carray(pointer(words[_TURNED]), (n, n), np.float64)
    for j in range(n):
        for i in range(n):
            x[i] += turned[j, i] * z[j]
    return x


@numba.cfunc(LOGP_SIGNATURE, cache=True)
def _logp(dim: Any, z_: Any, gradient_: Any, value_: Any, record_: Any) -> Any:
    try:
        words, n = numba.carray(record_, (_N_WORD,), np.uint64), int(dim)
        at_x = np.empty(n)
        x = _place(words, n, numba.carray(z_, (n,)))
        code: Any = _call_logp(words[_LOGP], dim, x, at_x, value_, words[_RECORD])
        if code != 0:
            return code
        scale = numba.carray(pointer(words[_SCALE]), (n, n), np.float64)
        gradient = numba.carray(gradient_, (n,))
        gradient[:] = 0.0
        for i in range(n):
            for j in range(n):
                gradient[j] += scale[i, j] * at_x[i]
    except Exception:
        return _FAILED
    return 0


@numba.cfunc(EXPAND_SIGNATURE, cache=True)
def _expand(dim: Any, expanded: Any, z_: Any, out_: Any, record_: Any) -> Any:
    try:
        words, n = numba.carray(record_, (_N_WORD,), np.uint64), int(dim)
        x = _place(words, n, numba.carray(z_, (n,)))
        code: Any = _call_expand(words[_EXPAND], dim, expanded, x, out_, words[_RECORD])
    except Exception:
        return _FAILED
    return code
