"""The compiled log density of a model, called from Python without the interpreter's lock."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class NotFiniteError(ValueError):
    """The density or its gradient is not finite at a point; the sampler calls that a divergence."""

    is_recoverable = True


class LogDensity(Protocol):
    """A log density on the unconstrained scale of a model."""

    @property
    def n_dim(self) -> int:
        """Number of unconstrained parameters."""

    def evaluate(self, x: Array) -> tuple[float, Array]:
        """Return the log density at ``x`` (n_dim,) and its gradient (n_dim,)."""


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
        call = self.compiled.compiled_logp_func.ctypes
        places = (_place(values, call) for values in (x, gradient, value))
        failed = call(self.n_dim, *places, self.compiled.user_data.ctypes.data)
        if failed:
            raise NotFiniteError("the log density is not finite here")
        return float(value[0]), gradient

    def expand(self, x: Array) -> dict[str, Array]:
        """Return the named variables of the model at ``x`` (n_dim,)."""
        x = np.ascontiguousarray(x)
        out = np.empty(self.compiled.n_expanded)
        call = self.compiled.compiled_expand_func.ctypes
        places = (_place(values, call) for values in (x, out))
        failed = call(self.n_dim, out.size, *places, self.compiled.user_data.ctypes.data)
        if failed:
            raise NotFiniteError("a variable of the model has no value here")
        names, slices, shapes = self.compiled.shape_info
        parts = zip(names, slices, shapes, strict=True)
        return {name: out[where].reshape(shape) for name, where, shape in parts}


def _place(values: Array, call: Any) -> Any:
    """Return where the values are, as compiled code takes doubles: its last argument but one."""
    return values.ctypes.data_as(call.argtypes[-2])
