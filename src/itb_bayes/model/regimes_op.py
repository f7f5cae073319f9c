"""The regimes likelihood as one PyTensor Op: value and gradient in a single compiled pass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import (
    numba_njit,
    register_funcify_default_op_cache_key,
)

from itb_bayes.caching import kernel_digest
from itb_bayes.kernel.regimes.filter import regimes_log_likelihood

N_PARAMETER_INPUT = 2

MISSING = -1e300
"""Stands for NaN in the graph: ``pm.Data`` takes no NaN."""


class RegimesLogLikelihood(Op):
    """Log-likelihood of each patient, with its gradient as further outputs.

    Inputs are those of :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`: ``g`` (81,)
    and ``own`` (n_patient, 6), then the data ``data`` (with :data:`MISSING` for NaN), ``codes`` and
    ``offsets``, through which no gradient flows.
    """

    __props__ = ("kernel",)

    def __init__(self) -> None:
        # PyTensor finds compiled graphs by the properties of their Ops: without the digest it would
        # run an old kernel after an update, where its folder is shared between versions.
        self.kernel = kernel_digest()

    def make_node(self, *inputs: Any) -> Apply:
        """Build the node; outputs ll, g_bar, own_bar."""
        variables = [pt.as_tensor_variable(x) for x in inputs]
        return Apply(self, variables, [pt.dvector(), pt.dmatrix(), pt.dmatrix()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate without compiling the graph (used by tests and by debugging)."""
        g, own, data, codes, offsets = (np.ascontiguousarray(x) for x in inputs)
        data = np.where(data == MISSING, np.nan, data)
        results = regimes_log_likelihood(
            g, own, data, codes.astype(np.int64), offsets.astype(np.int64)
        )
        for store, value in zip(output_storage, results, strict=True):
            store[0] = value

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the shapes of the outputs."""
        (n_par,), (n, n_own) = shapes[0], shapes[1]
        return [(n,), (n, n_par), (n, n_own)]

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Contract the cotangent of ll with the gradient the forward pass has already made."""
        cotangent = cotangents[0]
        data = [disconnected_type() for _ in inputs[N_PARAMETER_INPUT:]]
        if isinstance(cotangent.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        _, g_bar, own_bar = (pt.as_tensor_variable(x) for x in outputs)
        cotangent = pt.as_tensor_variable(cotangent)
        return [(cotangent[:, None] * g_bar).sum(axis=0), cotangent[:, None] * own_bar, *data]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the parameters are connected, and only to the value."""
        return [[i < N_PARAMETER_INPUT, False, False] for i in range(len(node.inputs))]


@register_funcify_default_op_cache_key(RegimesLogLikelihood)
def _funcify(op: RegimesLogLikelihood, **kwargs: Any) -> Any:
    @numba_njit
    def regimes(g, own, data, codes, offsets):  # type: ignore[no-untyped-def]
        return regimes_log_likelihood(
            np.ascontiguousarray(g), np.ascontiguousarray(own),
            np.where(data == MISSING, np.nan, data),
            codes.astype(np.int64), offsets.astype(np.int64),
        )  # fmt: skip

    return regimes
