"""The digest of a PyMC model: what its compiled code depends on, and nothing of the data.

Two models with one digest have the same graphs, so that code compiled for one serves the other.
Data (``pm.Data``) are named in it by type and rank, never by value; where the shape of a variable
follows that of data, by shape.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.op import Op
from pytensor.graph.type import Type
from pytensor.scalar.basic import ScalarOp
from pytensor.tensor.random.type import RandomType

_PLAIN = (str, bytes, bool, int, float, complex, type(None), slice, np.dtype, np.generic)


class NoDigestError(ValueError):
    """Something in a model has no description from which it could be told from others."""


@dataclass(frozen=True)
class ModelDigest:
    """What compiled code is found by.

    Attributes
    ----------
    key : str
        Digest of the model's graphs.
    data : mapping of str to shared variable
        The model's data, by name.
    """

    key: str
    data: Mapping[str, Any]


def model_digest(model: pm.Model) -> ModelDigest:
    """Return the digest of a model.

    Raises
    ------
    NoDigestError
        If some part of the model cannot be described: it is then compiled every time.
    """
    if any(value is not None for value in model.rvs_to_initial_values.values()):
        raise NoDigestError("start values of its own")
    walk = _Walk()
    shaped = [*model.free_RVs, *model.deterministics]
    walk.outputs("shaped", shaped)
    shapes_follow = dict(walk.data)
    walk.outputs("rest", [*model.observed_RVs, *model.potentials])
    walk.outputs("observed", [model.rvs_to_values[rv] for rv in model.observed_RVs])
    for rv in model.basic_RVs:
        value, transform = model.rvs_to_values[rv], model.rvs_to_transforms.get(rv)
        walk.write("variable", rv.name, value.name, value.type, transform)
    for variable in (*model.potentials, *model.deterministics):
        walk.write("named", variable.name)
    walk.write("coords", {name: len(labels or ()) for name, labels in model.coords.items()})
    walk.write("shapes", {name: _extent(v.get_value()) for name, v in shapes_follow.items()})
    walk.write("settings", model.check_bounds, pytensor.config.floatX)
    return ModelDigest(walk.digest.hexdigest(), walk.data)


def _extent(value: Any) -> Any:
    """Return the shape of data, and of a length (as of a dimension) its value."""
    value = np.asarray(value)
    return int(value) if value.ndim == 0 and value.dtype.kind in "iu" else value.shape


class _Walk:
    """Writes graphs into a digest: every variable once, by number from then on."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.data: dict[str, Any] = {}
        self._number: dict[Any, int] = {}

    def write(self, *parts: Any) -> None:
        """Add descriptions of parts."""
        self.digest.update("|".join(_describe(part) for part in parts).encode() + b"\n")

    def outputs(self, what: str, variables: Iterable[Any]) -> None:
        """Add variables with everything that they are computed from."""
        variables = list(variables)
        for variable in variables:
            for found in _new_ancestors(variable, self._number):
                self._number[found] = len(self._number)
                self._variable(found)
        self.write(what, tuple(self._number[variable] for variable in variables))

    def _variable(self, variable: Any) -> None:
        node = variable.owner
        if node is not None:
            inputs = tuple(self._number[x] for x in node.inputs)
            self.write(node.op, inputs, node.outputs.index(variable), variable.type)
        elif isinstance(variable, Constant):
            self.write("constant", variable.type, variable.data)
        elif isinstance(variable, SharedVariable):
            if isinstance(variable.type, RandomType):
                self.write("random")
                return
            if not variable.name or self.data.get(variable.name, variable) is not variable:
                raise NoDigestError("data without a name of their own")
            self.data[variable.name] = variable
            self.write("data", variable.name, variable.type)
        else:
            self.write("input", variable.type)


def _new_ancestors(variable: Any, known: Mapping[Any, int]) -> Iterator[Any]:
    """Yield a variable and its ancestors that are not known yet, inputs before outputs."""
    stack, met = [variable], set()
    while stack:
        top = stack[-1]
        if top in known:
            stack.pop()
            continue
        inputs = [] if top.owner is None else [x for x in top.owner.inputs if x not in known]
        if inputs and top not in met:
            met.add(top)
            stack.extend(reversed(inputs))
            continue
        yield top
        stack.pop()


def _describe(part: Any) -> str:
    """Return a text by which a part is told from every other."""
    if isinstance(part, _PLAIN):
        return f"{type(part).__name__}:{part!r}"
    if isinstance(part, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest()
        return f"array:{part.dtype}:{part.shape}:{content}"
    if isinstance(part, tuple | list):
        return f"({','.join(_describe(x) for x in part)})"
    if isinstance(part, Mapping):
        return _describe([(key, part[key]) for key in sorted(part, key=str)])
    if isinstance(part, frozenset | set):
        return f"set({','.join(sorted(_describe(x) for x in part))})"
    if isinstance(part, type):
        return f"class:{part.__module__}.{part.__qualname__}"
    if isinstance(part, Type):
        plain = type(part).__repr__ is object.__repr__  # an address, which no other process has
        return f"{_describe(type(part))}:{_describe(vars(part)) if plain else repr(part)}"
    if isinstance(part, Op):
        return f"{_describe(type(part))}{_describe_op(part)}"
    if isinstance(part, pm.distributions.transforms.Transform):
        return f"{_describe(type(part))}{_describe(vars(part))}"
    raise NoDigestError(f"a {type(part).__name__}")


def _describe_op(op: Any) -> str:
    if isinstance(op, OpFromGraph):
        inner = _Walk()
        for variable in op.inner_inputs:
            inner._number[variable] = len(inner._number)
            inner.write("input", variable.type)
        inner.outputs("inner", op.inner_outputs)
        if inner.data:
            raise NoDigestError("data inside an operation")
        return inner.digest.hexdigest()
    if isinstance(op, ScalarOp) and not hasattr(op, "fgraph"):
        return ""  # told by its class: the types of what it returns are written beside it
    if not hasattr(op, "__props__"):
        raise NoDigestError(f"{type(op).__name__} without properties")
    return _describe(op._props_dict())
