"""The regimes likelihood on arrays as a PyTensor Op: what JAX compiles in place of the kernel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from itb_bayes.kernel.regimes_arrays.likelihood import log_likelihood
from itb_bayes.model.regimes_op import MISSING


class RegimesOnArrays(Op):
    """Log-likelihood of all patients together.

    Inputs are ``g`` (81,) and ``own`` (n_patient, 6), then the data, codes, years and kinds of
    :class:`itb_bayes.kernel.regimes_arrays.rows.Turns` (with :data:`MISSING` for NaN).

    Attributes
    ----------
    kinds : tuple of int
        Actions that occur.
    """

    __props__ = ("kinds",)

    def __init__(self, kinds: tuple[int, ...]) -> None:
        self.kinds = kinds

    def make_node(self, *inputs: Any) -> Apply:
        """Build the node; its output is a number."""
        return Apply(self, [pt.as_tensor_variable(x) for x in inputs], [pt.dscalar()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate with NumPy, slowly."""
        g, own, data, *others = inputs
        turns = (np.where(data == MISSING, np.nan, data), *others)
        output_storage[0][0] = np.asarray(log_likelihood(np, g, own, turns, self.kinds).sum())

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the shape of the output."""
        return [()]
