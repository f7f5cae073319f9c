"""A PyMC model as the sampler takes it; what was compiled once is found again by later processes.

The first time a model is compiled, its C functions and what describes them are kept in the private
folder of compiled code, under the digest of its graphs. Later fits of the same model, on whatever
data, build the model, find them by its digest, and neither rewrite nor compile a graph.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from nutpie.compile_pymc import (
    CompiledPyMCModel,
    _prepare_dims_and_coords,
    make_user_data,
)

from itb_bayes.errors import UsageError
from itb_bayes.inference.callbacks import (
    Layout,
    NotKeptError,
    compile_callbacks,
    load_callbacks,
)
from itb_bayes.inference.graph_digest import NoDigestError, model_digest
from itb_bayes.inference.graphs import compile_graphs
from itb_bayes.inference.start_points import StartPoint, fixed_mean, jittered, start_point
from itb_bayes.storage import write_whole

_LIBRARIES = ("pymc", "pytensor", "nutpie", "numba", "llvmlite", "numpy")
_OWN_SOURCES = ("callbacks.py", "compiling.py", "graph_digest.py", "graphs.py", "start_points.py")


@dataclass(frozen=True)
class Description:
    """What is known of a compiled model besides its code; nothing of the data.

    Attributes
    ----------
    layout : Layout
    names, shapes : tuple
        Variables that a point expands to.
    n_free : int
        How many of them, from the first, are coordinates.
    changed : tuple of str
        Coordinates on a scale of their own.
    mean : tuple of float or None
        Middle of the start points, if it is fixed.
    """

    layout: Layout
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    n_free: int
    changed: tuple[str, ...]
    mean: tuple[float, ...] | None

    def as_json(self) -> str:
        """Return it as text; floats are read back to the last digit."""
        return json.dumps(vars(self) | {"layout": self.layout.as_dict()}, sort_keys=True) + "\n"

    @classmethod
    def of_json(cls, text: str) -> "Description":
        """Return what :meth:`as_json` wrote.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it did not write it.
        """
        values = json.loads(text)
        mean = values["mean"]
        return cls(
            Layout.of(values["layout"]),
            tuple(values["names"]),
            tuple(tuple(shape) for shape in values["shapes"]),
            int(values["n_free"]),
            tuple(values["changed"]),
            None if mean is None else tuple(float(x) for x in mean),
        )


def compiled_model(model: pm.Model) -> CompiledPyMCModel:
    """Return a model compiled for nutpie, from disk if a model like it was compiled before.

    Its draws are those of ``nutpie.compile_pymc_model``.
    """
    with pytensor.config.change_flags(numba__fastmath=False):  # cold and warm caches then agree
        try:
            digest = model_digest(model)
        except NoDigestError:
            return _compile(model, None)
        key = _versioned(digest.key)
        description = _described(key)
        if description is None:
            return _compile(model, key)
        try:
            callbacks = load_callbacks(key, description.layout)
        except NotKeptError:
            return _compile(model, key)
        data = [digest.data[name] for name, _ in description.layout.record]
        return _assemble(model, description, callbacks, data)


def _versioned(key: str) -> str:
    """Return a key that code of other libraries, or of another version of this, does not have."""
    digest = hashlib.sha256(f"{key}|{sys.version_info[:3]}".encode())
    digest.update("|".join(version(name) for name in _LIBRARIES).encode())
    for name in _OWN_SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def _description_file(key: str) -> Path:
    return Path(pytensor.config.base_compiledir) / "models" / f"{key}.json"


def _described(key: str) -> Description | None:
    """Return a description that was kept; one that cannot be read is as good as none."""
    try:
        return Description.of_json(_description_file(key).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(key: str, description: Description) -> None:
    place = _description_file(key)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(place, description.as_json())
    except (OSError, UsageError):
        return  # a full or read-only disk makes the next start slower, nothing else


def _compile(model: pm.Model, key: str | None) -> CompiledPyMCModel:
    graphs = compile_graphs(model)
    names = _data_names(graphs.data, key)
    layout = Layout(
        sum(prod(shape) for shape in graphs.shapes[: graphs.n_free]),
        sum(prod(shape) for shape in graphs.shapes),
        tuple((names[variable], variable.ndim) for variable in graphs.data),
        {names[variable]: str(variable.dtype) for variable in graphs.data},
        tuple(names[variable] for variable in graphs.logp_data),
        tuple(names[variable] for variable in graphs.expand_data),
    )
    start = start_point(model)
    mean = fixed_mean(model, start, graphs.shapes[: graphs.n_free]) if key else None
    description = Description(
        layout,
        graphs.names,
        graphs.shapes,
        graphs.n_free,
        graphs.changed,
        None if mean is None else tuple(float(x) for x in mean),
    )
    callbacks = compile_callbacks(key, layout, graphs.logp, graphs.expand)
    if key is not None:
        _keep(key, description)
    return _assemble(model, description, callbacks, graphs.data, start)


def _data_names(data: Sequence[Any], key: str | None) -> dict[Any, str]:
    """Return names of fields; a model with a key has data with names of their own."""
    return {v: str(k) if key is None else v.name for k, v in enumerate(data)}


def _assemble(
    model: pm.Model,
    description: Description,
    callbacks: tuple[Any, Any],
    data: Sequence[Any],
    start: StartPoint | None = None,
) -> CompiledPyMCModel:
    """Put a model together as nutpie's compiler would have."""
    fields = [name for name, _ in description.layout.record]
    keys = dict(zip(data, fields, strict=True))
    values = {name: np.array(v.get_value(), order="C", copy=True) for v, name in keys.items()}
    for value in values.values():
        value.flags.writeable = False
    shape_info = (
        list(description.names),
        _slices(description.shapes),
        list(description.shapes),
    )
    dims, coords = _prepare_dims_and_coords(model, shape_info, list(description.changed))
    free = description.shapes[: description.n_free]
    if description.mean is not None:
        start = jittered(np.array(description.mean), free)
    return CompiledPyMCModel(
        _n_dim=description.layout.n_dim,
        dims=dims,
        _coords=coords,
        _shapes=dict(zip(description.names, description.shapes, strict=True)),
        compiled_logp_func=callbacks[0],
        compiled_expand_func=callbacks[1],
        initial_point_func=start_point(model) if start is None else start,
        shared_data=values,
        shared_var_keys=keys,
        user_data=make_user_data(keys, values),
        n_expanded=description.layout.n_expanded,
        shape_info=shape_info,
        logp_func=None,
        expand_func=None,
        reparameterized_names=list(description.changed),
    )


def _slices(shapes: Sequence[tuple[int, ...]]) -> list[slice]:
    stops = np.cumsum([prod(shape) for shape in shapes]).tolist()
    return [slice(a, b) for a, b in zip([0, *stops[:-1]], stops, strict=True)]
