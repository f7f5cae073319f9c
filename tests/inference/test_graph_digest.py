"""Digests of models: equal for other data, different for anything that compiled code depends on."""

import os
import subprocess
import sys

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.op import Op

from drift_cases import base_spec
from itb_bayes.inference.graph_digest import NoDigestError, model_digest
from itb_bayes.model.drift import build_drift
from itb_bayes.model.regimes import build_regimes
from itb_bayes.model.regimes_plan import plan_regimes
from regimes_fits import regimes_cohort, regimes_spec


def small(
    mean=0.0,
    data=(1.0, 2.0),
    labels=("a", "b"),
    name="x",
    prior=pm.Normal,
    data_name="seen",
    extra=False,
    power=2.0,
    observed=None,
    check_bounds=True,
):
    """A model of a few variables, each part of which can be changed."""
    with pm.Model(coords={"place": labels}, check_bounds=check_bounds) as model:
        x = prior(name, mean, 1.0, dims="place")
        size = pm.LogNormal("size", 0.0, 0.5)
        seen = pm.Data(data_name, np.array(data))
        pm.Potential("fit", -((seen - x.sum()) ** power).sum() / size)
        if extra:
            pm.Deterministic("twice", 2.0 * size)
        if observed is not None:
            pm.Normal("y", x.sum(), 1.0, observed=observed)
    return model


def key(**changes):
    return model_digest(small(**changes)).key


def test_other_data_and_other_labels_have_the_same_digest():
    assert key() == key()
    assert key(data=(5.0, 6.0, 7.0)) == key()
    assert key(labels=("north", "south")) == key()
    assert list(model_digest(small()).data) == ["place", "seen"]


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": 0.5},
        {"labels": ("a", "b", "c")},
        {"name": "z"},
        {"prior": pm.Laplace},
        {"data_name": "read"},
        {"data": ((1.0, 2.0), (3.0, 4.0))},
        {"data": (1, 2)},
        {"extra": True},
        {"power": 4.0},
        {"observed": 1.0},
        {"check_bounds": False},
    ],
)
def test_anything_else_has_another(changes):
    assert key(**changes) != key()


def test_observed_values_that_are_no_data_are_part_of_it():
    assert key(observed=1.0) == key(observed=1.0) != key(observed=2.0)


def test_where_a_shape_follows_data_it_is_part_of_it():
    def of(n):
        with pm.Model() as model:
            places = pm.Data("places", np.zeros(n))
            pm.Deterministic("moved", places + pm.Normal("x"))
        return model_digest(model).key

    assert of(3) == of(3) != of(4)


def test_graphs_within_operations_are_part_of_it():
    def of(power):
        x = pt.dscalar()
        inner = pytensor.compile.builders.OpFromGraph([x], [x**power])
        with pm.Model() as model:
            pm.Potential("fit", -inner(pm.Normal("x")))
        return model_digest(model).key

    assert of(2) == of(2) != of(4)


class Nameless(Op):
    """An operation that does not say what tells it from others."""

    def make_node(self, x):
        return pytensor.graph.basic.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]


class Unknown(pm.distributions.transforms.Transform):
    """A transform that holds what has no description."""

    name = "unknown"

    def __init__(self):
        self.rule = object()

    def forward(self, value, *inputs):
        return value

    def backward(self, value, *inputs):
        return value

    def log_jac_det(self, value, *inputs):
        return pt.zeros_like(value)


def with_start():
    pm.Normal("x", initval=1.0)


def with_data_without_a_name():
    pm.Potential("fit", pm.Normal("x") * pytensor.shared(np.zeros(3)).sum())


def with_an_operation_without_properties():
    pm.Potential("fit", Nameless()(pm.Normal("x")))


def with_a_transform_that_cannot_be_described():
    pm.Normal("x", transform=Unknown())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (with_start, "start values"),
        (with_data_without_a_name, "without a name"),
        (with_an_operation_without_properties, "Nameless without properties"),
        (with_a_transform_that_cannot_be_described, "object"),
    ],
)
def test_what_cannot_be_described_has_none(make, message):
    with pm.Model() as model:
        make()
    with pytest.raises(NoDigestError, match=message):
        model_digest(model)


def test_shipped_models_have_one(tiny_plan, tmp_path):
    one = model_digest(build_drift(base_spec(), tiny_plan))
    assert {"log_dose", "t_years", "offsets"} <= set(one.data)
    assert model_digest(build_drift(base_spec(), tiny_plan)).key == one.key
    spec = regimes_spec()
    plan = plan_regimes(spec, regimes_cohort(tmp_path / "cohort"))
    two = model_digest(build_regimes(spec, plan))
    assert {"data", "codes", "offsets"} <= set(two.data)
    assert model_digest(build_regimes(spec, plan)).key == two.key != one.key


PRINT_KEY = """
import numpy as np, pymc as pm
from itb_bayes.inference.graph_digest import model_digest
with pm.Model(coords={"place": ["a", "b"]}) as model:
    x = pm.Normal("x", 0.0, 1.0, dims="place")
    pm.Potential("fit", -((pm.Data("seen", np.ones(3)) - x[:1]) ** 2).sum())
    pm.Beta("share", 2.0, 2.0)
print(model_digest(model).key)
"""


def test_other_processes_find_it_too():
    keys = {
        subprocess.run(
            [sys.executable, "-c", PRINT_KEY],
            capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64
