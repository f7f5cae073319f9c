"""Models compiled once and found again: the same numbers as nutpie's own compiler, on any data."""

import json

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytest

from itb_bayes.errors import UsageError
from itb_bayes.inference import compiling
from itb_bayes.inference.callbacks import Layout, NotKeptError, load_callbacks
from itb_bayes.inference.compiling import Description, compiled_model
from itb_bayes.inference.density import Density, NotFiniteError
from itb_bayes.inference.graph_digest import model_digest
from itb_bayes.inference.start_points import fixed_mean, jittered, start_point

POINT = np.array([0.3, -0.2, 0.4])
CANARY = (3.1415926535, 2.7182818284)


def build(seen=CANARY, labels=("a", "b")):
    """Two places, a positive size, data; a density that is not finite where size is large."""
    with pm.Model(coords={"place": labels}) as model:
        x = pm.Normal("x", 0.1, 1.0, dims="place")
        size = pm.LogNormal("size", 0.0, 0.5)
        seen = pm.Data("seen", np.array(seen))
        pm.Potential("fit", -((seen - x.sum()) ** 2).sum() / pm.math.sqrt(50.0 - size))
        pm.Deterministic("twice", 2.0 * size)
    return model


def description_file(model):
    return compiling._description_file(compiling._versioned(model_digest(model).key))


@pytest.fixture(scope="module")
def cold():
    """The model compiled as if for the first time."""
    description_file(build()).unlink(missing_ok=True)
    return compiled_model(build())


@pytest.fixture
def refuse(monkeypatch):
    """Whoever compiles a graph now fails."""

    def compile_graphs(model):
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiling, "compile_graphs", compile_graphs)


def same(one, other):
    """Tell whether two compiled models give the same digits."""
    for x in (POINT, np.zeros(3)):
        (value, gradient), (value_2, gradient_2) = (Density(m).evaluate(x) for m in (one, other))
        assert value == value_2
        np.testing.assert_array_equal(gradient, gradient_2)
        expanded, expanded_2 = (Density(m).expand(x) for m in (one, other))
        assert list(expanded) == list(expanded_2)
        for name, values in expanded.items():
            np.testing.assert_array_equal(values, expanded_2[name])
    for seed in (0, 7, 2**32 - 1):
        np.testing.assert_array_equal(one.initial_point_func(seed), other.initial_point_func(seed))


def test_numbers_are_those_of_nutpies_own_compiler(cold):
    with pytensor.config.change_flags(numba__fastmath=False):
        theirs = nutpie.compile_pymc_model(build())
    same(cold, theirs)
    assert (cold.n_dim, cold.n_expanded, cold.shapes) == (3, theirs.n_expanded, theirs.shapes)
    assert cold.shape_info[:2] == theirs.shape_info[:2]
    assert cold.shape_info[2] == [tuple(shape) for shape in theirs.shape_info[2]]
    assert cold.dims == theirs.dims
    assert cold.reparameterized_names == theirs.reparameterized_names
    assert {k: list(v) for k, v in cold.coords.items()} == {
        k: list(v) for k, v in theirs.coords.items()
    }


def test_a_second_model_is_not_compiled(cold, refuse):
    same(cold, compiled_model(build()))


def test_nor_is_one_of_other_data(cold, refuse):
    other = (1.0, 2.0, 3.0)
    warm = compiled_model(build(other, labels=("north", "south")))
    value, gradient = Density(warm).evaluate(POINT)
    point = {"x": POINT[:2], "size_log__": POINT[2]}
    model = build(other)
    assert value == pytest.approx(float(model.compile_logp()(point)), rel=1e-12)
    assert value != Density(cold).evaluate(POINT)[0]
    assert list(warm.coords["place"]) == ["north", "south"]
    same(warm, cold.with_data(seen=other))
    np.testing.assert_allclose(gradient, model.compile_dlogp()(point), rtol=1e-10)


def test_nothing_of_the_data_is_kept(cold):
    place = description_file(build())
    files = [place, *(place.parent.parent / "numba").glob(f"*{place.stem}*")]
    assert len(files) == 5  # the description; index and code of two functions
    for path in files:
        content = path.read_bytes()
        for value in CANARY:
            assert np.float64(value).tobytes() not in content
            assert repr(value).encode() not in content


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"mean": 1}', "\0"])
def test_a_description_that_cannot_be_read_is_made_anew(content, cold, monkeypatch):
    place = description_file(build())
    whole = place.read_text(encoding="utf-8")
    place.write_text(content, encoding="utf-8")
    made = []
    monkeypatch.setattr(compiling, "_compile", lambda model, key: made.append(key))
    compiled_model(build())
    assert len(made) == 1
    place.write_text(whole, encoding="utf-8")


def test_code_that_is_gone_is_compiled_anew(cold, monkeypatch):
    described = Description.of_json(description_file(build()).read_text(encoding="utf-8"))
    with pytest.raises(NotKeptError):
        load_callbacks("of no model", described.layout)
    made = []

    def gone(key, layout):
        raise NotKeptError(key)

    monkeypatch.setattr(compiling, "load_callbacks", gone)
    monkeypatch.setattr(compiling, "_compile", lambda model, key: made.append(key))
    compiled_model(build())
    assert made == [description_file(build()).stem]


def test_a_disk_that_takes_nothing_is_no_error(cold, monkeypatch, tmp_path):
    place = description_file(build())
    described = Description.of_json(place.read_text(encoding="utf-8"))
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr(compiling, "_description_file", lambda key: tmp_path / "file" / key)
    compiling._keep("key", described)
    assert compiling._described("key") is None

    def full(path, text):
        raise UsageError("no space is left")

    monkeypatch.setattr(compiling, "_description_file", lambda key: tmp_path / key)
    monkeypatch.setattr(compiling, "write_whole", full)
    compiling._keep("key", described)
    assert compiling._described("key") is None


def test_a_description_survives_text(cold):
    text = description_file(build()).read_text(encoding="utf-8")
    described = Description.of_json(text)
    assert described.as_json() == text
    assert described.mean == pytest.approx((0.1, 0.1, 0.125), rel=1e-6)
    assert described.changed == ("size_log__",)
    assert json.loads(text)["layout"]["record"] == [["seen", 1]]


def test_code_of_other_libraries_is_not_found(monkeypatch):
    now = compiling._versioned("key")
    assert compiling._versioned("key") == now
    monkeypatch.setattr(compiling, "version", lambda name: "0")
    assert compiling._versioned("key") != now


def test_a_model_that_cannot_be_described_is_compiled_every_time(monkeypatch):
    with pm.Model() as model:
        pm.Normal("x", initval=1.0)
    keys = []
    monkeypatch.setattr(compiling, "_compile", lambda model, key: keys.append(key))
    compiled_model(model)
    assert keys == [None]


def test_where_the_density_is_not_finite_it_is_said(cold):
    with pytest.raises(NotFiniteError):
        Density(cold).evaluate(np.array([0.0, 0.0, 50.0]))
    beyond = cold.compiled_logp_func.ctypes
    assert beyond(4, None, None, None, None) == -1  # a point of another length


def test_words_of_the_record_are_numbered_as_nutpie_lays_them_out():
    layout = Layout(3, 4, (("a", 2), ("b", 0)), {"a": "int32", "b": "float64"}, ("b", "a"), ("a",))
    assert layout.n_word == 6
    assert layout.arguments(layout.logp_data) == (
        "carray(x_, (3,)), carray(pointer(words[1]), (), float64), "
        "carray(pointer(words[0]), (int64(words[4]),int64(words[5]),), int32)"
    )
    assert layout.kinds.keys() == {"int32", "float64", "int64", "uint64"}


def test_start_points_are_those_of_pymc_where_priors_stand_alone():
    with pm.Model(coords={"place": ["a", "b"]}) as model:
        pm.Normal("x", [0.1, 3.0], 1.0, dims="place")
        pm.Beta("share", 2.0, 5.0)
    start = start_point(model)
    mean = fixed_mean(model, start, [(2,), ()])
    assert mean is not None
    ours = jittered(mean, [(2,), ()])
    for seed in (1, 123456789):
        np.testing.assert_array_equal(ours(seed), start(seed))
        assert (np.abs(ours(seed) - mean) < 1.0).all()


def of_a_variable():
    pm.Normal("x", pm.Normal("mean", 0.0, 1.0), 1.0)


def of_data():
    pm.Normal("x", pm.Data("middle", 2.0), 1.0)


@pytest.mark.parametrize("make", [of_a_variable, of_data])
def test_start_points_that_are_no_numbers_are_left_to_pymc(make):
    with pm.Model() as model:
        make()
    start = start_point(model)
    assert fixed_mean(model, start, [()] * len(model.free_RVs)) is None
    assert start(3).shape == (len(model.free_RVs),)
