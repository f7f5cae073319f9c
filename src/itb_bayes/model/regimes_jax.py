"""How JAX runs the regimes likelihood: importing this needs JAX, and tells PyTensor how."""

from typing import Any

import jax
import jax.numpy as jnp
from pytensor.link.jax.dispatch import jax_funcify

from itb_bayes.kernel.regimes_arrays.likelihood import log_likelihood
from itb_bayes.model.regimes_arrays_op import RegimesOnArrays
from itb_bayes.model.regimes_op import MISSING


def _scanned(turn: Any, first: Any, turns: Any) -> Any:
    """Return what the turns give; of each turn only the belief is kept for the way back."""
    return jax.lax.scan(jax.checkpoint(turn), first, turns)[1]


@jax_funcify.register(RegimesOnArrays)
def _funcify(op: RegimesOnArrays, **kwargs: Any) -> Any:
    def regimes(g: Any, own: Any, data: Any, *others: Any) -> Any:
        turns = (jnp.where(data == MISSING, jnp.nan, data), *others)
        return log_likelihood(jnp, g, own, turns, op.kinds, _scanned).sum()

    return regimes
