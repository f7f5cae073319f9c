"""The compiled density in round coordinates: the model's own, turned and shifted."""

import gc

import numpy as np
import pymc as pm
import pytest

from itb_bayes.inference.density import Density, NotFiniteError
from itb_bayes.inference.round_callbacks import in_round_coordinates
from itb_bayes.inference.sampling import compile_model

CENTRE = np.array([0.3, -0.2, 0.4])
SCALE = np.array([[0.5, 0.1, 0.0], [-0.2, 0.3, 0.05], [0.0, 0.4, 2.0]])


@pytest.fixture(scope="module")
def compiled():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0, shape=2)
        size = pm.LogNormal("size", 0.0, 0.5)
        pm.Normal("total", x.sum() * size, 0.3, observed=[0.7, 0.2])
        pm.Deterministic("twice", 2.0 * size)
        # Nothing is finite where the size is above a hundred.
        pm.Potential("wall", pm.math.switch(size > 100.0, -np.inf, 0.0))
    return compile_model(model)


@pytest.fixture
def round_density(compiled):
    return Density(in_round_coordinates(compiled, CENTRE, SCALE, compiled.initial_point_func))


def test_value_and_gradient_follow_the_chain_rule(compiled, round_density):
    plain, rng = Density(compiled), np.random.default_rng(1)
    for z in rng.standard_normal((5, 3)):
        value, gradient = plain.evaluate(CENTRE + SCALE @ z)
        found, turned = round_density.evaluate(z)
        assert found == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(turned, SCALE.T @ gradient, rtol=1e-12)


def test_variables_are_those_of_the_point(compiled, round_density):
    z = np.array([0.2, -1.0, 0.6])
    expected = Density(compiled).expand(CENTRE + SCALE @ z)
    found = round_density.expand(z)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-14)


def test_a_point_that_the_model_refuses_is_refused(round_density):
    with pytest.raises(NotFiniteError):
        round_density.evaluate(np.array([0.0, 0.0, 4.0]))
    assert np.isfinite(round_density.evaluate(np.array([0.0, 0.0, 1.0]))[0])


def test_what_the_record_points_to_is_held(compiled):
    scale = SCALE.copy()
    density = Density(in_round_coordinates(compiled, CENTRE.copy(), scale, None))
    before = density.evaluate(np.ones(3))
    scale[:] = 0.0  # the caller's array is not what is read
    gc.collect()
    after = density.evaluate(np.ones(3))
    assert after[0] == before[0]
    np.testing.assert_array_equal(after[1], before[1])
