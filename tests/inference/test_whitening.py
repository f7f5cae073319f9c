"""Round coordinates: the compiled density, its mode and curvature, chains that start there."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytest

from itb_bayes.inference.density import Density, NotFiniteError
from itb_bayes.inference.sampling import ChainBatch, compile_model, in_coordinates, sample_batch
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.whitening import (
    WIDEST,
    NoStartError,
    climb,
    curvature,
    find_starts,
    survey,
    whiten,
    whitened_model,
)

PRECISION = np.array([[4.0, 1.9, 0.0], [1.9, 1.0, 0.0], [0.0, 0.0, 100.0]])
CENTRE = np.array([1.0, -2.0, 0.5])
SETTINGS = SamplerSettings(draws=300, tune=100, chains=2, target_accept=0.8, metric="whitened")


class Gaussian:
    """A density with known mode and curvature."""

    n_dim = 3

    def evaluate(self, x):
        away = x - CENTRE
        return -0.5 * away @ PRECISION @ away, -PRECISION @ away


class Nowhere(Gaussian):
    """A density that is finite nowhere."""

    def evaluate(self, x):
        raise NotFiniteError


class Fails:
    """A compiled function that returns a code of failure."""

    argtypes = (ctypes.c_ulong, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)

    def __init__(self, code):
        self.code = code

    def __call__(self, *arguments):
        return self.code


def start_at(value):
    """A compiled model that starts there."""
    return SimpleNamespace(initial_point_func=lambda seed: np.full(3, value))


@pytest.fixture(scope="module")
def ridge():
    """A compiled model in which two parameters go closely together; one is positive."""
    with pm.Model(coords={"place": ["a", "b"]}) as model:
        x = pm.Normal("x", 0.0, 1.0, dims="place")
        size = pm.LogNormal("size", 0.0, 0.5)
        pm.Normal("total", x.sum(), 0.02, observed=0.7)
        pm.Deterministic("twice", 2.0 * size)
    return model, compile_model(model)


def test_the_compiled_density_is_that_of_the_model(ridge):
    model, compiled = ridge
    density = Density(compiled)
    point = {"x": np.array([0.3, -0.2]), "size_log__": np.array(0.4)}
    order = [v.name for v in model.value_vars]
    flat = np.concatenate([np.ravel(point[name]) for name in order])
    value, gradient = density.evaluate(flat)
    assert value == pytest.approx(float(model.compile_logp()(point)), rel=1e-12)
    np.testing.assert_allclose(gradient, model.compile_dlogp()(point), rtol=1e-10)
    expanded = density.expand(flat)
    np.testing.assert_array_equal(expanded["x"], point["x"])
    assert float(expanded["twice"]) == pytest.approx(2.0 * np.exp(0.4), rel=1e-12)


def test_a_point_without_density_is_said():
    failing = SimpleNamespace(
        n_dim=2,
        n_expanded=1,
        user_data=np.zeros(1),
        compiled_logp_func=SimpleNamespace(ctypes=Fails(4)),
        compiled_expand_func=SimpleNamespace(ctypes=Fails(-2)),
    )
    with pytest.raises(NotFiniteError, match="not finite"):
        Density(failing).evaluate(np.zeros(2))
    with pytest.raises(NotFiniteError, match="no value"):
        Density(failing).expand(np.zeros(2))
    assert NotFiniteError.is_recoverable  # the sampler reads it: a divergence, not the end


def test_mode_and_curvature_of_a_gaussian_are_found():
    np.testing.assert_allclose(curvature(Gaussian(), np.zeros(3)), PRECISION, rtol=1e-8, atol=1e-8)
    white = whiten(Gaussian(), climb(Gaussian(), np.full(3, 3.0)))
    np.testing.assert_allclose(white.centre, CENTRE, atol=1e-4)
    again = climb(Gaussian(), np.full(3, 7.0), white)
    np.testing.assert_allclose(again, 0.0, atol=1e-4)
    # Two directions have an SD below the widest; the third (eigenvalue 0.08) is cut there.
    values = np.linalg.eigvalsh(white.scale.T @ PRECISION @ white.scale)
    least = np.linalg.eigvalsh(PRECISION)[0]
    np.testing.assert_allclose(sorted(values), [least * WIDEST**2, 1.0, 1.0], rtol=1e-6)
    point = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(white.place(white.coordinates(point)), point, atol=1e-12)


class HalfLine:
    """A gamma density with its mode at 0.1, and nothing below nought."""

    n_dim = 1
    left = 0

    def evaluate(self, x):
        if x[0] <= 0.0:
            HalfLine.left += 1
            raise NotFiniteError
        return np.log(x[0]) - 10.0 * x[0], 1.0 / x - 10.0


def test_a_climb_is_not_ended_by_a_step_beyond_the_density():
    np.testing.assert_allclose(climb(HalfLine(), np.array([0.95])), 0.1, atol=1e-5)
    assert HalfLine.left > 0


def test_a_climb_goes_farther_than_one_round_may():
    np.testing.assert_allclose(climb(Gaussian(), CENTRE + 5.5), CENTRE, atol=1e-4)
    there = climb(Gaussian(), CENTRE + 50.0)  # too far for all rounds together
    assert (there > CENTRE + 40.0).all()


def test_a_start_is_found_or_its_lack_is_said():
    found = find_starts(start_at(0.5), Gaussian(), 1)
    np.testing.assert_array_equal(found[0], np.full(3, 0.5))
    scattered = SimpleNamespace(initial_point_func=lambda seed: np.full(3, seed % 7))
    heights = [Gaussian().evaluate(x)[0] for x in find_starts(scattered, Gaussian(), 1)]
    assert heights == sorted(heights, reverse=True)
    with pytest.raises(NoStartError):
        find_starts(start_at(0.5), Nowhere(), 1)


def test_a_ridge_is_sampled_as_if_it_were_round(ridge):
    _, compiled = ridge
    tree = sample_batch(in_coordinates(compiled, SETTINGS), SETTINGS, ChainBatch(0, 2, 7))
    draws = tree["posterior"].to_dataset()
    assert set(draws.data_vars) == {"x", "size", "twice"}
    assert list(draws["place"].values) == ["a", "b"]
    assert tree["sample_stats"]["n_steps"].mean() < 8  # 50 and more along the ridge
    total = draws["x"].sum("place")
    assert float(total.mean()) == pytest.approx(0.7, abs=0.005)
    assert float(total.std()) == pytest.approx(0.02, rel=0.15)
    assert float(draws["x"].std()) == pytest.approx(np.sqrt(0.5), rel=0.15)
    assert float(np.log(draws["size"]).std()) == pytest.approx(0.5, rel=0.15)


def test_draws_do_not_depend_on_how_many_chains_run_at_once(ridge):
    _, compiled = ridge
    trees = [
        sample_batch(in_coordinates(compiled, SETTINGS), SETTINGS, ChainBatch(0, 2, 7), cores=cores)
        for cores in (1, 2)
    ]
    for name in ("x", "size"):
        one, two = (tree["posterior"][name].to_numpy() for tree in trees)
        np.testing.assert_array_equal(one, two)


@pytest.fixture(scope="module")
def two_modes():
    """Compiled models with two modes, as high as one another and not."""
    made = []
    for share in (0.5, 1e-6):
        with pm.Model() as model:
            pm.NormalMixture("x", w=[share, 1.0 - share], mu=[-0.6, 0.6], sigma=[0.02, 0.02])
        made.append(compile_model(model))
    return made


def test_chains_start_around_every_mode_that_is_hardly_lower(two_modes):
    density = Density(two_modes[0])
    terrain = survey(density, [np.array([x]) for x in (0.5, -0.5, 0.55)])
    assert sorted(float(mode[0]) for mode in terrain.modes) == pytest.approx([-0.6, 0.6], abs=1e-3)
    sampled = whitened_model(two_modes[0], 1)
    starts = np.array([sampled.initial_point_func(seed) for seed in range(12)])
    assert len(terrain.modes) == 2
    assert (np.abs(starts) > 20).any()
    assert (np.abs(starts) < 20).any()


def test_a_mode_far_below_is_left_out(two_modes):
    density = Density(two_modes[1])
    terrain = survey(density, [np.array([x]) for x in (-0.5, 0.5)])
    assert [float(mode[0]) for mode in terrain.modes] == pytest.approx([0.6], abs=1e-3)
    assert terrain.white.centre[0] == pytest.approx(0.6, abs=1e-3)
