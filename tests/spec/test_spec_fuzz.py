"""Random damage to a model file: a ModelError or a valid model, nothing else."""

import copy
import pickle
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itb_bayes.errors import ModelError
from itb_bayes.resources import models_dir
from itb_bayes.spec import InvalidModel, ModelSpec, load_model
from itb_bayes.spec.overlay import merge_chain
from itb_bayes.spec.source import ModelSource
from itb_bayes.spec.validate import build_spec

TEXT = (models_dir() / "drift.toml").read_text(encoding="utf-8")
DATA = tomllib.loads(TEXT)
WORDS = ["level", "drift", "by", "MS", "params", "interval", "mass", "sd", "remove", "kind", ""]
SCALARS = (
    st.none().map(lambda _: 0)
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["auto", "no", "ou", "none", "beta", "normal", "gamma", "log", "share"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(table, path=()):
    for key, value in table.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from _paths(value, (*path, key))


PATHS = sorted(_paths(DATA))


def _mutate(data, path, action, value, word):
    table = data
    for key in path[:-1]:
        table = table.get(key) if isinstance(table, dict) else None
    if not isinstance(table, dict) or path[-1] not in table:
        return
    if action == "drop":
        del table[path[-1]]
    elif action == "rename":
        table[word] = table.pop(path[-1])
    elif action == "add" and isinstance(table[path[-1]], dict):
        table[path[-1]][word] = value
    else:
        table[path[-1]] = value


def _attempt(load):
    """Return the model, or the ModelError; let any other error through."""
    try:
        return load()
    except ModelError as error:
        return error


MUTATION = st.tuples(
    st.sampled_from(PATHS),
    st.sampled_from(["drop", "rename", "add", "set"]),
    VALUES,
    st.sampled_from(WORDS) | st.text(max_size=4),
)


@settings(max_examples=250, deadline=None, database=None, derandomize=True)
@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_damaged_content_gives_only_model_errors(mutations):
    data = copy.deepcopy(DATA)
    for path, action, value, word in mutations:
        _mutate(data, path, action, value, word)
    data.pop("extends", None)
    source = ModelSource("mine.toml", Path("mine.toml"), ("",), data, {})
    outcome = _attempt(lambda: build_spec(merge_chain((source,))))
    if isinstance(outcome, ModelSpec):
        assert ModelSpec.from_canonical(outcome.canonical()) == outcome
    else:
        assert isinstance(outcome, InvalidModel)
        assert len(outcome.problems) > 0
        assert all(problem.message for problem in outcome.problems)


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    st.integers(0, len(TEXT) - 1),
    st.integers(0, 40),
    st.text(alphabet="[]{}=\"'#.,\n\\ \ta1-", max_size=6),
)
def test_damaged_text_gives_only_model_errors(start, length, insert):
    text = TEXT[:start] + insert + TEXT[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        path.write_text(text, encoding="utf-8", newline="\n")
        outcome = _attempt(lambda: load_model(path))
    if isinstance(outcome, ModelSpec):
        assert outcome.kind == "drift"
    else:
        assert str(outcome) != ""


def test_invalid_model_can_be_sent_between_processes(write_model):
    with pytest.raises(InvalidModel) as caught:
        load_model(write_model("format = 2\n"))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)
    assert str(again).startswith(f"{len(again.problems)} problems in the model file\n")
