"""The compiled log density of a model, called from Python without the interpreter's lock."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_DOUBLES = ctypes.POINTER(ctypes.c_double)


class NotFiniteError(ValueError):
    """The density or its gradient is not finite at a point; the sampler calls that a divergence."""

    is_recoverable = True


@dataclass(frozen=True)
class Density:
    """Log density and gradient on the unconstrained scale of a model compiled for nutpie.

    Parameters
    ----------
    compiled : nutpie compiled PyMC model
    """

    compiled: Any

    @property
    def n_dim(self) -> int:
        """Number of unconstrained parameters."""
        return int(self.compiled.n_dim)

    def evaluate(self, x: Array) -> tuple[float, Array]:
        """Return the log density at ``x`` (n_dim,) and its gradient (n_dim,).

        Raises
        ------
        NotFiniteError
            If either is not finite.
        """
        x = np.ascontiguousarray(x)
        gradient, value = np.empty(self.n_dim), np.empty(1)
        failed = self.compiled.compiled_logp_func.ctypes(
            self.n_dim, *map(_pointer, (x, gradient, value)), self.compiled.user_data.ctypes.data
        )
        if failed:
            raise NotFiniteError("the log density is not finite here")
        return float(value[0]), gradient

    def expand(self, x: Array) -> dict[str, Array]:
        """Return the named variables of the model at ``x`` (n_dim,)."""
        x = np.ascontiguousarray(x)
        out = np.empty(self.compiled.n_expanded)
        failed = self.compiled.compiled_expand_func.ctypes(
            self.n_dim, out.size, *map(_pointer, (x, out)), self.compiled.user_data.ctypes.data
        )
        if failed:
            raise NotFiniteError("a variable of the model has no value here")
        names, slices, shapes = self.compiled.shape_info
        parts = zip(names, slices, shapes, strict=True)
        return {name: out[where].reshape(shape) for name, where, shape in parts}


def _pointer(values: Array) -> Any:
    return values.ctypes.data_as(_DOUBLES)
