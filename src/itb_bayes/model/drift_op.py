"""The drift likelihood as one PyTensor Op: value and gradient in a single compiled pass."""

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
from itb_bayes.kernel.drift_likelihood import N_SCALAR, drift_log_likelihood

N_PARAMETER_INPUT = 3


class DriftLogLikelihood(Op):
    """Marginal log-likelihood per patient, with its gradient as further outputs.

    Inputs are those of :func:`itb_bayes.kernel.drift_likelihood.drift_log_likelihood`: ``mean``
    (n_patient, p), ``cov`` (p, p), ``scalars`` (5,), then the data ``t``, ``y``, ``offsets`` and
    ``static``, through which no gradient flows. Because the gradient comes with the value, its
    graph is only a contraction of the outputs.

    Parameters
    ----------
    process, robust, use_static
        Terms of the likelihood; see :class:`itb_bayes.kernel.structure.Structure`.
    """

    __props__ = ("process", "robust", "use_static", "kernel")

    def __init__(self, process: int, robust: bool, use_static: bool) -> None:
        self.process = int(process)
        self.robust = bool(robust)
        self.use_static = bool(use_static)
        # See RegimesLogLikelihood: graphs compiled for an older kernel must not be found.
        self.kernel = kernel_digest()

    def make_node(self, *inputs: Any) -> Apply:
        """Build the node; outputs ll, g_mean, g_cov, g_scalars."""
        variables = [pt.as_tensor_variable(x) for x in inputs]
        outputs = [pt.dvector(), pt.dmatrix(), pt.dtensor3(), pt.dmatrix()]
        return Apply(self, variables, outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate without compiling the graph (used by tests and by debugging)."""
        mean, cov, scalars, t, y, offsets, static = (np.ascontiguousarray(x) for x in inputs)
        results = drift_log_likelihood(
            mean, cov, scalars, t, y, offsets.astype(np.int64), static,
            self.process, self.robust, self.use_static,
        )  # fmt: skip
        for store, value in zip(output_storage, results, strict=True):
            store[0] = value

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the shapes of the outputs."""
        n, p = shapes[0]
        return [(n,), (n, p), (n, p, p), (n, N_SCALAR)]

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Contract the cotangent of ll with the gradient the forward pass has already made."""
        g = cotangents[0]
        data = [disconnected_type() for _ in inputs[N_PARAMETER_INPUT:]]
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        _, g_mean, g_cov, g_scalars = (pt.as_tensor_variable(x) for x in outputs)
        g = pt.as_tensor_variable(g)
        return [
            g[:, None] * g_mean,
            (g[:, None, None] * g_cov).sum(axis=0),
            (g[:, None] * g_scalars).sum(axis=0),
            *data,
        ]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the parameters are connected, and only to the value."""
        return [[i < N_PARAMETER_INPUT, False, False, False] for i in range(len(node.inputs))]


@register_funcify_default_op_cache_key(DriftLogLikelihood)
def _funcify(op: DriftLogLikelihood, **kwargs: Any) -> Any:
    process, robust, use_static = op.process, op.robust, op.use_static

    @numba_njit
    def drift(mean, cov, scalars, t, y, offsets, static):  # type: ignore[no-untyped-def]
        return drift_log_likelihood(
            np.ascontiguousarray(mean), np.ascontiguousarray(cov), np.ascontiguousarray(scalars),
            np.ascontiguousarray(t), np.ascontiguousarray(y), offsets.astype(np.int64),
            np.ascontiguousarray(static), process, robust, use_static,
        )  # fmt: skip

    return drift
