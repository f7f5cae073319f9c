"""Models in words, and what differs between two."""

import json
import re

import pytest

from itb_bayes.resources import models_dir
from itb_bayes.spec import diff_models, explain, load_model
from itb_bayes.spec.explain import show
from itb_bayes.spec.registry import kind_named

SHIPPED = sorted(path.stem for path in models_dir().glob("*.toml"))


def _names(formulas, symbol):
    """Return whether a symbol stands in formulas as a whole, not as part of a longer one."""
    letter = "A-Za-zα-ωΑ-Ω_"
    return re.search(f"(?<![{letter}]){re.escape(symbol)}(?![{letter}0-9])", formulas) is not None


@pytest.mark.parametrize("name", SHIPPED)
def test_every_prior_and_term_is_explained(name):
    spec = load_model(f"@{name}")
    explanation = explain(spec)
    formulas = " ".join(row["formula"] for row in explanation.data["equations"])
    for prior, resolved in spec.resolved_priors.items():
        need = kind_named(spec.kind).need(prior)
        assert f"{need.symbol}  {prior}: " in explanation.text
        flat = " ".join(explanation.text.split())
        assert f"source: {resolved.source}" in flat
        assert f"why: {resolved.why}" in flat
        assert _names(formulas, need.symbol.split("[")[0])
    for term in spec.term_names():
        assert f"[{term}" in explanation.text
    assert [row["name"] for row in explanation.data["priors"]] == list(spec.resolved_priors)
    tables = dict.fromkeys(row["term"].split(".")[0] for row in explanation.data["terms"])
    assert list(tables) == list(spec.term_names())
    assert spec.digest in explanation.text
    assert json.loads(json.dumps(explanation.data)) == explanation.data
    assert max(map(len, explanation.text.split("\n"))) <= 100


@pytest.mark.parametrize("name", SHIPPED)
def test_no_symbol_without_its_prior(name):
    spec = load_model(f"@{name}")
    formulas = " ".join(row["formula"] for row in explain(spec).data["equations"])
    for need in kind_named(spec.kind).needs:
        if need.name not in spec.resolved_priors and len(need.symbol) > 1:
            assert not _names(formulas, need.symbol.split("[")[0])


@pytest.mark.parametrize(
    "name", [name for name in SHIPPED if load_model(f"@{name}").kind == "drift"]
)
def test_no_term_of_a_drift_model_without_its_prior(name):
    spec = load_model(f"@{name}")
    formulas = " ".join(row["formula"] for row in explain(spec).data["equations"])
    assert ("exp(−t/h)" in formulas) == ("titration_months" in spec.resolved_priors)
    assert ("/ℓ" in formulas) == ("persistence_months" in spec.resolved_priors)
    assert ("W_i(t)" in formulas) == ("persistent_share" in spec.resolved_priors)
    assert ("InverseGamma(ν/2, ν/2)" in formulas) == ("tail_df" in spec.resolved_priors)


def test_a_regimes_model_without_dose_changes_has_no_policy(write_model):
    gone = ("goal", "dose_gain", "dose_sd", "still_share", "still_points", "unruled_share")
    remove = ", ".join(f'"priors.{prior}"' for prior in gone)
    head = 'format = 1\nextends = "@regimes"\nname = "mine"\ntitle = "t"\n'
    spec = load_model(
        write_model(f'{head}remove = [{remove}]\n[channels]\ndose = "no"\n[centre]\nuse = "no"\n')
    )
    formulas = " ".join(row["formula"] for row in explain(spec).data["equations"])
    assert "P(dose left)" not in formulas
    assert "A*" not in formulas
    assert "[c_i]" not in formulas


def test_priors_are_shown_in_clinical_units():
    rows = {row["name"]: row for row in explain(load_model("@drift")).data["priors"]}
    assert rows["level"]["interval"]["text"] == "80 to 450 µg/day"
    assert rows["drift"]["interval"]["text"] == "-3 to 9 %/year"
    assert rows["titration_months"]["interval"]["text"] == "2.5 to 9 months"
    assert rows["level_sd"]["interval"]["text"] == (
        "0.4 to 1 on the log dose: a factor of 1.49 to 2.72"
    )
    assert rows["level"]["interval"]["low"] == pytest.approx(80)


def test_prior_of_one_diagnosis_is_explained(drift_text, write_model):
    statement = 'unit = "ug/day"\nfamily = "lognormal"\ninterval = [100, 900]\nmass = 0.9\n'
    text = f'{drift_text}\n[priors.level.by.HSP]\n{statement}source = "s"\nwhy = "w"\n'
    spec = load_model(write_model(text))
    explanation = explain(spec)
    assert "HSP only:" in explanation.text
    assert "100 to 900 µg/day" in explanation.text
    (row,) = diff_models(load_model("@drift"), spec).differences
    assert (row.what, row.a) == ("priors.level.by.HSP", "absent")


@pytest.mark.parametrize("step, words", [("3", "every 3 months"), ('"auto"', "every 6 months, or")])
def test_step_is_explained(step, words, drift_text, write_model):
    text = drift_text.replace('step_months = "auto"', f"step_months = {step}")
    assert words in " ".join(explain(load_model(write_model(text))).text.split())


@pytest.mark.parametrize(
    "value, text",
    [
        (450.4, "450"),
        (99.7, "100"),
        (12.34, "12.3"),
        (1.5, "1.5"),
        (0.25595, "0.256"),
        (7.7e-11, "0"),
        (-2.999999, "-3"),
        (2e-5, "2e-05"),
        (3.2e8, "3.2e+08"),
        (200.0, "200"),
    ],
)
def test_numbers_are_shown_short(value, text):
    assert show(value) == text


def test_difference_of_a_model_with_itself_is_empty():
    spec = load_model("@drift")
    result = diff_models(spec, spec)
    assert result.differences == ()
    assert "are the same model" in str(result)


def test_differences_are_terms_and_priors_in_clinical_units():
    result = diff_models(load_model("@drift"), load_model("@drift-random-walk"))
    rows = {row.what: row for row in result.differences}
    assert set(rows) == {"process.kind", "priors.persistence_months"}
    assert (rows["process.kind"].a, rows["process.kind"].b) == ("ou", "random_walk")
    assert rows["priors.persistence_months"].b == "absent"
    assert "- drift: ou\n  + drift-random-walk: random_walk" in str(result)


@pytest.mark.parametrize("a", SHIPPED)
def test_differences_are_empty_exactly_when_digests_agree(a):
    left = load_model(f"@{a}")
    for b in SHIPPED:
        result = diff_models(left, load_model(f"@{b}"))
        assert (result.differences == ()) == (result.digest_a == result.digest_b)
