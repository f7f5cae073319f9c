"""A model's log density with gradient, and its variables, as graphs compiled by numba.

The graphs are built step by step as nutpie builds them, so that draws are the same to the last
digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.initial_point import make_initial_point_fn
from pymc.pytensorf import compile as compile_graph
from pytensor.graph import clone_replace, rewrite_graph


@dataclass(frozen=True)
class ModelGraphs:
    """Compiled graphs of a point on the unconstrained scale, and of the model's data.

    Attributes
    ----------
    logp, expand : callable
        Numba functions; value and gradient, and all variables joined.
    logp_data, expand_data : tuple of shared variables
        Their arguments after the point.
    names, shapes : tuple
        Variables that a point expands to, those with a coordinate first.
    n_free : int
        How many of them have coordinates.
    changed : tuple of str
        Coordinates that are a transformed variable.
    """

    logp: Any
    expand: Any
    logp_data: tuple[Any, ...]
    expand_data: tuple[Any, ...]
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    n_free: int
    changed: tuple[str, ...]

    @property
    def data(self) -> tuple[Any, ...]:
        """Data of both graphs, each once."""
        return tuple(dict.fromkeys((*self.logp_data, *self.expand_data)))


def compile_graphs(model: pm.Model) -> ModelGraphs:
    """Compile a model's graphs with numba."""
    shapes = _shapes(model)
    values = [model.rvs_to_values[variable] for variable in model.free_RVs]
    rewrites = ["canonicalize", "stabilize"]
    if not model.check_bounds:
        rewrites.append("local_remove_check_parameter")
    logp: Any = rewrite_graph(cast(Any, model.logp()), include=rewrites)
    gradients = cast(list[Any], pt.grad(logp, values))
    gradient: Any = pt.concatenate([g.ravel() for g in gradients])

    point, parts = _split_point([shapes[value.name] for value in values])
    replacements = {
        value: part.reshape(shapes[value.name]).astype(variable.dtype)
        for variable, value, part in zip(model.free_RVs, values, parts, strict=True)
    }
    logp, gradient = clone_replace([logp, gradient], replacements)
    names = [value.name for value in values]
    others = [v for v in model.unobserved_value_vars if v.name not in names]
    joined = pt.concatenate([*parts, *(pt.as_tensor(v).ravel() for v in others)])
    with model:
        of_logp = compile_graph((point,), (logp, gradient), mode="NUMBA")
        of_expand = compile_graph(
            (point,), [joined], givens=list(replacements.items()), mode="NUMBA"
        )
    names += [variable.name for variable in others]
    return ModelGraphs(
        of_logp.vm.jit_fn,
        of_expand.vm.jit_fn,
        tuple(of_logp.get_shared()),
        tuple(of_expand.get_shared()),
        tuple(names),
        tuple(shapes[name] for name in names),
        len(values),
        tuple(
            model.rvs_to_values[v].name
            for v in model.free_RVs
            if model.rvs_to_transforms.get(v) is not None
        ),
    )


def _split_point(shapes: Sequence[tuple[int, ...]]) -> tuple[Any, list[Any]]:
    """Return a symbolic point and the part of each variable in it, flat."""
    point = pt.TensorType("float64", shape=(sum(prod(shape) for shape in shapes),))(
        name="_unconstrained_point"
    )
    parts, start = [], 0
    for shape in shapes:
        parts.append(point[start : start + prod(shape)])
        start += prod(shape)
    return point, parts


def _shapes(model: pm.Model) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all variables that a trace can hold, by name."""
    start = make_initial_point_fn(model=model, return_transformed=True)(0)
    variables = {
        variable.name: variable
        for variable in model.value_vars + model.free_RVs + model.deterministics
        if variable not in model.observed_RVs + model.potentials
    }
    shapes = pytensor.function(
        inputs=[],
        outputs=[pt.as_tensor(variable.shape) for variable in variables.values()],
        givens=[(rv, model.rvs_to_values[rv]) for rv in model.observed_RVs]
        + [(variables[name], start[name]) for name in variables if name in start],
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )()
    return {
        name: tuple(int(length) for length in shape)
        for name, shape in zip(variables, shapes, strict=True)
    }
