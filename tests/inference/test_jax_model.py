"""What a model compiled by JAX goes through, with one in NumPy that nutpie asks likewise."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import nutpie
import pytest
from nutpie.compiled_pyfunc import from_pyfunc

from itb_bayes.errors import ModelError, UsageError
from itb_bayes.inference import bundle, jax_model
from itb_bayes.inference.density import NotFiniteError
from itb_bayes.inference.fit import fit
from itb_bayes.inference.jax_model import (
    JaxFailed,
    PythonDensity,
    compile_with_jax,
    in_words,
    python_in_round_coordinates,
    require_jax,
)
from itb_bayes.inference.sampling import ChainBatch, in_coordinates, sample_batch
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.whitening import whitened_model
from itb_bayes.spec import load_model

PRECISION = np.array([[4.0, 1.9], [1.9, 1.0]])
COVARIANCE = np.linalg.inv(PRECISION)
SETTINGS = SamplerSettings(
    draws=400, tune=100, chains=2, target_accept=0.8, metric="whitened", backend="jax"
)


def asked_from_python(logp=None):
    """A Gaussian about ``centre``, its shared data."""

    def gaussian(x, centre):
        away = x - centre
        return -0.5 * away @ PRECISION @ away, -PRECISION @ away

    return from_pyfunc(
        2,
        lambda: gaussian if logp is None else logp,
        lambda seed1, seed2, chain: lambda x, centre: {"x": np.asarray(x)},
        [np.dtype("float64")],
        [(2,)],
        ["x"],
        shared_data={"centre": np.array([1.0, -2.0])},
        make_initial_point_fn=lambda seed: np.random.default_rng(seed).uniform(-1, 1, 2),
    )


def gives_up(x, centre):
    raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4 bytes.\nmore")


def test_the_density_is_that_of_the_model():
    value, gradient = PythonDensity(asked_from_python()).evaluate(np.array([2.0, -2.0]))
    assert value == pytest.approx(-2.0)
    np.testing.assert_allclose(gradient, [-4.0, -1.9])


@pytest.mark.parametrize("found", [(np.nan, np.zeros(2)), (0.0, np.array([0.0, np.inf]))])
def test_a_density_that_is_not_finite_is_refused(found):
    density = PythonDensity(asked_from_python(lambda x, centre: found))
    with pytest.raises(NotFiniteError, match="not finite"):
        density.evaluate(np.zeros(2))


def test_want_of_memory_is_told_in_words():
    with pytest.raises(JaxFailed, match=r"RESOURCE_EXHAUSTED: .* 4 bytes. If memory ran out"):
        in_words(lambda: gives_up)()(np.zeros(2), centre=np.zeros(2))


def test_want_of_memory_during_sampling_is_told_in_words():
    compiled = asked_from_python(in_words(lambda: gives_up)())
    settings = SamplerSettings(draws=50, tune=50, chains=2)
    with pytest.raises(JaxFailed, match=r"^JAX could not .* 4 bytes. If memory .* little of it.$"):
        sample_batch(compiled, settings, ChainBatch(0, 2, 5))


def test_round_coordinates_are_of_the_same_density():
    compiled = asked_from_python()
    centre, scale = np.array([0.5, 0.25]), np.array([[2.0, 0.0], [1.0, 3.0]])
    rounded = python_in_round_coordinates(compiled, centre, scale, lambda seed: np.zeros(2))
    z = np.array([0.3, -0.7])
    value, gradient = PythonDensity(rounded).evaluate(z)
    want, slope = PythonDensity(compiled).evaluate(centre + scale @ z)
    assert value == want
    np.testing.assert_allclose(gradient, scale.T @ slope)
    named = rounded._make_expand_func(0, 0, 0)(z, **rounded._shared_data)
    np.testing.assert_allclose(named["x"], centre + scale @ z)
    assert rounded._make_initial_points(1).tolist() == [0.0, 0.0]


def test_the_mode_is_found_and_the_posterior_is_sampled():
    tree = sample_batch(
        in_coordinates(asked_from_python(), SETTINGS), SETTINGS, ChainBatch(0, 2, 9)
    )
    draws = tree["posterior"]["x"].to_numpy().reshape(-1, 2)
    sd = np.sqrt(np.diag(COVARIANCE))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - [1.0, -2.0]) / sd, 0.2)
    np.testing.assert_allclose(draws.std(axis=0), sd, rtol=0.15)
    assert tree["sample_stats"]["diverging"].sum() == 0


def test_round_coordinates_have_their_origin_at_the_mode():
    rounded = whitened_model(asked_from_python(), seed=3)
    value, gradient = PythonDensity(rounded).evaluate(np.zeros(2))
    assert value == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-3)


def test_without_jax_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(jax_model, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'itb-bayes\[gpu\]'"):
        require_jax()


def test_with_jax_nothing_is_said(monkeypatch):
    asked = []
    monkeypatch.setattr(jax_model, "find_spec", lambda name: asked.append(name) or object())
    require_jax()
    assert asked == ["jax"]


def test_jax_is_for_the_regimes_alone(tiny_cohort, tmp_path):
    with pytest.raises(ModelError, match="for models of kind 'regimes', not 'drift'"):
        fit(load_model("@drift"), tiny_cohort, SETTINGS, tmp_path / "fit", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_data_are_handed_over_and_failures_are_worded(monkeypatch):
    asked = {}

    def compiles(model, **how):
        asked.update(how, model=model)
        return asked_from_python(gives_up)

    monkeypatch.setitem(sys.modules, "itb_bayes.model.regimes_jax", ModuleType("regimes_jax"))
    monkeypatch.setattr(nutpie, "compile_pymc_model", compiles)
    monkeypatch.setattr(
        "pymc.model.transform.optimization.freeze_dims_and_data",
        lambda model, data: SimpleNamespace(frozen=model, data=data),
    )
    compiled = compile_with_jax("the model")
    assert asked["model"] == SimpleNamespace(frozen="the model", data=())
    assert (asked["backend"], asked["gradient_backend"]) == ("jax", "jax")
    with pytest.raises(JaxFailed):
        PythonDensity(compiled).evaluate(np.zeros(2))


def test_the_version_of_jax_belongs_to_the_run(monkeypatch):
    before = bundle.versions()
    assert "jax" not in before
    settings = {"backend": "jax"}
    monkeypatch.setattr(bundle, "version", lambda name: "1.0")
    one = bundle.run_digest("m", "d", settings)
    assert bundle.versions("jax")["jax"] == "1.0"
    monkeypatch.setattr(bundle, "version", lambda name: "2.0" if name == "jax" else "1.0")
    assert bundle.run_digest("m", "d", settings) != one
