"""A model compiled by JAX: the same posterior, for graphics processors and large cohorts.

nutpie asks it from Python. A gradient there takes much longer than the way through the
interpreter, which is why this pays only where cohorts are large.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from nutpie.compiled_pyfunc import PyFuncModel

from itb_bayes.errors import ItbBayesError, UsageError
from itb_bayes.inference.density import NotFiniteError

Array = NDArray[np.float64]
LogpAndGradient = Callable[..., tuple[float, Array]]
MakeLogp = Callable[[], LogpAndGradient]

NO_JAX = (
    "--backend jax needs JAX, which is not installed: `pip install 'itb-bayes[gpu]'` on a machine "
    "with an NVIDIA graphics processor, or `pip install jax` to run it on the processor. Without "
    "--backend the compiled kernel is used, which needs neither."
)

GAVE_UP = "JAX could not evaluate the model: "
ADVICE = (
    "If memory ran out, stop whatever else uses the graphics processor, or leave --backend "
    "out: the compiled kernel needs little of it."
)


class JaxFailed(ItbBayesError):
    """JAX could not evaluate the model (exit code 2)."""


@dataclass(frozen=True)
class PythonDensity:
    """Log density and gradient of a model that is asked from Python.

    Parameters
    ----------
    compiled : PyFuncModel
    """

    compiled: PyFuncModel

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
        JaxFailed
            If JAX gave up, for want of memory above all.
        """
        value, gradient = self.compiled._make_logp_func()(x, **self.compiled._shared_data)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise NotFiniteError("the log density is not finite here")
        return float(value), gradient


def require_jax() -> None:
    """Check that JAX can be imported.

    Raises
    ------
    UsageError
        Otherwise; says what to install.
    """
    if find_spec("jax") is None:
        raise UsageError(NO_JAX)


def compile_with_jax(model: pm.Model) -> PyFuncModel:
    """Return a model of :func:`itb_bayes.model.regimes.build_regimes_on_arrays`, compiled by JAX.

    Numbers are of double precision. Data are handed over, not compiled in.
    """
    import nutpie
    from pymc.model.transform.optimization import freeze_dims_and_data

    import itb_bayes.model.regimes_jax  # noqa: F401  (tells PyTensor of the likelihood)

    frozen = freeze_dims_and_data(model, data=())
    compiled = nutpie.compile_pymc_model(
        frozen, backend="jax", gradient_backend="jax", freeze_model=False
    )
    return replace(compiled, _make_logp_func=in_words(compiled._make_logp_func), _raw_logp_fn=None)


def in_words(make_logp: MakeLogp) -> MakeLogp:
    """Return the same maker of log densities, which say what to do when JAX gives up.

    Raises
    ------
    JaxFailed
        By what is made, if JAX gives up.
    """

    def make() -> LogpAndGradient:
        inner = make_logp()

        def logp(x: Array, **data: Any) -> tuple[float, Array]:
            try:
                return inner(x, **data)
            except RuntimeError as error:
                said = (str(error).splitlines() or [type(error).__name__])[0][:200]
                raise JaxFailed(f"{GAVE_UP}{said} {ADVICE}") from None

        return logp

    return make


def start_of(compiled: Any) -> Callable[[int], Array]:
    """Return the function from a seed to a start point (n_dim,) of a model compiled by either."""
    from_python = isinstance(compiled, PyFuncModel)
    start = compiled._make_initial_points if from_python else compiled.initial_point_func
    return lambda seed: np.asarray(start(seed), dtype=np.float64)


def python_in_round_coordinates(
    compiled: PyFuncModel, centre: Array, scale: Array, start: Callable[[int], Array]
) -> PyFuncModel:
    """Return the model with points ``z`` in place of ``centre + scale z``.

    Parameters
    ----------
    compiled : PyFuncModel
    centre, scale : ndarray, shape (n_dim,) and (n_dim, n_dim)
    start : callable
        Seed to start point, in round coordinates.
    """

    def make_logp() -> LogpAndGradient:
        inner = compiled._make_logp_func()

        def logp(z: Array, **data: Any) -> tuple[float, Array]:
            value, gradient = inner(centre + scale @ z, **data)
            return value, scale.T @ gradient

        return logp

    def make_expand(seed1: int, seed2: int, chain: int) -> Callable[..., dict[str, Array]]:
        inner = compiled._make_expand_func(seed1, seed2, chain)
        return lambda z, **data: inner(centre + scale @ z, **data)

    return replace(
        compiled,
        _make_logp_func=make_logp,
        _make_expand_func=make_expand,
        _make_initial_points=start,
        _raw_logp_fn=None,
    )
