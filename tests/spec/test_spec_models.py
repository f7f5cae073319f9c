"""The shipped model files, digests, and specifications that are stored and rebuilt."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from itb_bayes.cohort.contract import DIAGNOSES as COHORT_DIAGNOSES
from itb_bayes.errors import ModelError
from itb_bayes.resources import models_dir
from itb_bayes.spec import (
    InvalidModel,
    ModelSpec,
    load_model,
    model_toml,
    shipped_models,
)
from itb_bayes.spec.base import DIAGNOSES
from itb_bayes.spec.overlay import merge_chain
from itb_bayes.spec.registry import kind_named, kind_names
from itb_bayes.spec.source import ModelSource
from itb_bayes.spec.validate import build_spec

SHIPPED = sorted(path.stem for path in models_dir().glob("*.toml"))


@pytest.fixture(scope="module")
def drift() -> ModelSpec:
    return load_model("@drift")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_model_is_valid_and_gives_reasons(name):
    spec = load_model(f"@{name}")
    assert spec.name == name
    assert isinstance(spec, kind_named(name.split("-")[0]).spec_class)
    assert set(spec.priors) == set(spec.resolved_priors)
    for prior in spec.resolved_priors.values():
        assert len(prior.source) > 5
        assert len(prior.why) > 5


def test_shipped_models_differ_from_each_other():
    assert list(shipped_models()) == SHIPPED
    assert len({load_model(f"@{name}").digest for name in SHIPPED}) == len(SHIPPED)


def test_diagnoses_are_those_of_the_data_contract():
    assert DIAGNOSES == COHORT_DIAGNOSES


def test_terms_of_the_drift_model(drift):
    assert drift.series.step_months == "auto"
    assert drift.process.kind == "ou"
    assert drift.noise.kind == "patient_t"
    assert (drift.titration.use, drift.centre.use) == ("auto", "auto")
    assert (drift.covariates.level, drift.covariates.drift) == ((), ())


@pytest.mark.parametrize(
    "name, absent",
    [
        ("drift-random-walk", {"persistence_months"}),
        ("drift-gaussian", {"tail_df"}),
        ("drift-iid", {"persistence_months", "persistent_share", "tail_df"}),
        ("drift-no-centre", {"centre_level_sd", "centre_drift_sd"}),
        ("drift-covariates", set()),
    ],
)
def test_terms_decide_which_priors_there_are(name, absent, drift):
    every = {need.name for need in kind_named("drift").needs}
    covariates = {"covariate_level", "covariate_drift"}
    expected = every - absent - (set() if name == "drift-covariates" else covariates)
    assert set(load_model(f"@{name}").resolved_priors) == expected


@pytest.mark.parametrize(
    "name, on",
    [
        (
            "regimes",
            {"ashworth", "spasms", "dose", "refills", "tests", "events", "labels", "neuro"},
        ),
        ("regimes-dose-ashworth", {"ashworth", "dose"}),
        ("regimes-dose", {"dose"}),
    ],
)
def test_channels_decide_which_priors_there_are(name, on):
    spec = load_model(f"@{name}")
    needs = kind_named("regimes").needs
    assert {n for n, setting in spec.terms()["channels"].items() if setting != "no"} == on
    expected = {need.name for need in needs if not need.at or need.at[1] in on}
    assert set(spec.resolved_priors) == expected


def test_regimes_without_ashworth_and_dose_are_refused(write_model):
    head = 'format = 1\nextends = "@regimes-dose"\nname = "mine"\ntitle = "t"\n'
    with pytest.raises(InvalidModel, match="leaves nothing that speaks of the requirement"):
        load_model(write_model(head + '[channels]\ndose = "no"\n'))


def test_spec_is_frozen(drift):
    with pytest.raises(ValueError, match="frozen"):
        drift.name = "other"


def test_unknown_kind_is_an_error():
    assert kind_names() == ("complications", "drift", "regimes", "spasticity")
    with pytest.raises(ModelError, match="did you mean 'drift'"):
        kind_named("drfit")


@pytest.mark.parametrize(
    "pattern, replacement",
    [
        (r"(?m)^#.*\n", ""),
        (r'(?m)^(source|why|title) = ".*"$', r'\1 = "other words"'),
        (r"(?s)summary = .*?\"\"\"\n.*?\"\"\"", 'summary = "short"'),
        (r'name = "drift"', 'name = "renamed"'),
        (r'version = "1.0"', 'version = "2.3.1"'),
        (r"minimum_points = 2", "minimum_points = 0x2"),
        (r"interval = \[80, 450\]\nmass = 0.9", "mass = 0.90\ninterval = [80.0, 4.5e2]"),
        (r"params = \{ alpha = 4.0, beta = 1.5 \}", "params = { beta = 1.5, alpha = 4 }"),
    ],
    ids=["comments", "prose", "summary", "name", "version", "notation", "order", "inline order"],
)
def test_words_and_order_do_not_change_the_digest(
    pattern, replacement, drift_text, write_model, drift
):
    text, count = re.subn(pattern, replacement, drift_text)
    assert count > 0
    assert load_model(write_model(text)).digest == drift.digest


def test_order_of_tables_and_covariates_does_not_change_the_digest(drift_text, write_model, drift):
    blocks = re.split(r"(?m)^(?=\[)", drift_text)
    shuffled = load_model(write_model(blocks[0] + "".join(reversed(blocks[1:]))))
    assert shuffled.digest == drift.digest
    assert list(shuffled.resolved_priors) == list(drift.resolved_priors)
    text = (models_dir() / "drift-covariates.toml").read_text(encoding="utf-8")
    swapped = text.replace('"ais_grade", "sci_level"', '"sci_level", "ais_grade"')
    assert load_model(write_model(swapped)).digest == load_model("@drift-covariates").digest


def _number_paths(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _number_paths(item, (*path, key))
        elif isinstance(item, int | float) and path:
            yield (*path, key)


NUMBERS = list(_number_paths(tomllib.loads((models_dir() / "drift.toml").read_text("utf-8"))))


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_any_number_changes_the_digest(path, drift_text, drift):
    data = tomllib.loads(drift_text)
    table = data
    for key in path[:-1]:
        table = table[key]
    is_half = path[-1] == 0 and data["priors"][path[1]]["family"] == "halfnormal"
    table[path[-1]] = 3 if path[-1] == "minimum_points" else table[path[-1]] * 1.01 + 0.001
    merged = merge_chain((ModelSource("mine.toml", Path("mine.toml"), ("",), data, {}),))
    if is_half:
        with pytest.raises(InvalidModel, match="must start at 0"):
            build_spec(merged)
    else:
        assert build_spec(merged).digest != drift.digest


@pytest.mark.parametrize("name", SHIPPED)
def test_stored_model_is_rebuilt_without_files(name):
    spec = load_model(f"@{name}")
    stored = json.loads(json.dumps(spec.canonical()))
    rebuilt = ModelSpec.from_canonical(stored)
    assert rebuilt == spec
    assert rebuilt.digest == spec.digest
    assert rebuilt.canonical() == spec.canonical()


def test_stored_prior_of_one_diagnosis_is_rebuilt(drift_text, write_model):
    statement = 'unit = "ug/day"\nfamily = "lognormal"\ninterval = [80, 90]\nmass = 0.9\n'
    text = f'{drift_text}\n[priors.level.by.MS]\n{statement}source = "s"\nwhy = "w"\n'
    spec = load_model(write_model(text))
    stored = json.loads(json.dumps(spec.canonical()))
    assert ModelSpec.from_canonical(stored) == spec
    stored["resolved_priors"]["level"]["by"]["MS"]["params"]["sd"] = 1.0
    with pytest.raises(ModelError, match="altered"):
        ModelSpec.from_canonical(stored)


def _set(content, path, value):
    *tables, last = path.split(".")
    for table in tables:
        content = content[table]
    content[last] = value


@pytest.mark.parametrize(
    "path, value, fragment",
    [
        ("resolved_priors.level.params.mean", 5.0, "digest is not that of its content"),
        ("resolved_priors.level.family", "lognormal", "digest is not that of its content"),
        ("terms.process.kind", "random_walk", "digest is not that of its content"),
        ("terms.process.kind", "other", "is not readable: process.kind"),
        ("terms.series.minimum_points", 3, "digest is not that of its content"),
        ("priors.level.interval", [80.0, 460.0], "'level' does not follow from its statement"),
        ("priors.level.mass", 0.8, "does not follow from its statement"),
        ("priors.level.family", "beta", "cannot be stated"),
        ("digest", "0" * 64, "digest is not that of its content"),
        ("digest", None, "digest is not that of its content"),
        ("kind", "reservoir", "no kind of model 'reservoir'"),
        ("kind", "regimes", "is not readable: channels"),
        ("kind", ["drift"], "no kind of model"),
        ("format", 2, "has format 2"),
        ("terms", None, "has no terms"),
        ("terms", {}, "is not readable"),
        ("priors", {}, "are not the same ones"),
        ("extra", 1, "is not readable: extra"),
    ],
)
def test_altered_stored_model_is_refused(path, value, fragment, drift):
    stored = json.loads(json.dumps(drift.canonical()))
    _set(stored, path, value)
    with pytest.raises(ModelError, match=fragment):
        ModelSpec.from_canonical(stored)


def test_stored_thing_that_is_no_model_is_refused():
    with pytest.raises(ModelError, match="incomplete"):
        ModelSpec.from_canonical([])


def test_stored_model_of_another_class_is_refused(drift):
    class OtherSpec(ModelSpec):
        pass

    with pytest.raises(ModelError, match="is of kind 'drift', not a OtherSpec"):
        OtherSpec.from_canonical(drift.canonical())


@pytest.mark.parametrize("name", SHIPPED)
def test_model_written_as_one_file_is_the_same_model(name, write_model):
    spec = load_model(f"@{name}")
    text = model_toml(spec)
    again = load_model(write_model(text))
    assert "extends" not in tomllib.loads(text)
    assert again.digest == spec.digest
    assert again.priors == spec.priors
    assert again.summary == spec.summary


def test_writing_keeps_awkward_words_and_diagnoses(drift_text, write_model):
    statement = 'unit = "ug/day"\nfamily = "lognormal"\nparams = { mu = 5, sigma = 1e-7 }\n'
    words = 'source = "a \\"quote\\", \\\\ \\t \\u007f µ"\nwhy = """two\nlines"""\n'
    text = f"{drift_text}\n[priors.level.by.MS]\n{statement}{words}"
    spec = load_model(write_model(text))
    assert load_model(write_model(model_toml(spec), "again.toml")).priors == spec.priors
