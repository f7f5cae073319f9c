"""Scoring of patients that a fit has not seen."""

import numpy as np
import pandas as pd
import pytest

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.risk import scoring
from itb_bayes.risk.explanation_table import COLUMNS, explanation_table
from itb_bayes.risk.explanations import explain_patients
from itb_bayes.risk.scoring import ScoringRequest, score_cohort
from regimes_fits import IDS, VISITS, make_regimes_fit, regimes_cohort, regimes_tables

VISIT = ScoringRequest(every_visit=True)


@pytest.fixture(scope="module")
def fit(regimes_fit):
    """Draws so close together that every patient's weights are reliable."""
    return make_regimes_fit(regimes_fit.plan, draws=60, width=0.05)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return regimes_cohort(tmp_path_factory.mktemp("score") / "small")


@pytest.fixture(scope="module")
def scored(fit, cohort):
    return score_cohort(fit, cohort)


@pytest.fixture(scope="module")
def visits(fit, cohort):
    return score_cohort(fit, cohort, VISIT)


def wide(table: pd.DataFrame) -> pd.DataFrame:
    present = table[table["quantity"] == "present"]
    return present.pivot_table(
        index=["patient_id", "t_years"], columns="explanation", values="probability"
    )


def test_the_table_has_its_columns_in_order(scored, visits):
    for table in (scored, visits):
        assert tuple(table.columns) == COLUMNS
        assert (table["synthetic"].astype(bool)).all()
        assert set(table["mode"]) == {"conditional"}
        assert table["model"].nunique() == table["run"].nunique() == 1
        for name in ("t_years", "horizon_months", "probability", "low", "high", "mcse", "pareto_k"):
            assert table[name].dtype == float
    assert set(scored["quantity"].dropna()) == {"present", "within", "at"}
    assert set(visits["quantity"]) == {"present"}


def test_rows_of_a_patient(scored):
    own = scored[scored["patient_id"] == "R1"]
    assert list(own["explanation"]) == [*EXPLANATIONS, *EXPLANATIONS, "rise_over_100_ug"]
    assert list(own["quantity"]) == ["present"] * 6 + ["within"] * 6 + ["at"]
    assert own["horizon_months"].isna().sum() == 6
    assert own.loc[own["quantity"] == "present", "probability"].sum() == pytest.approx(1.0)
    assert (own["low"] <= own["high"]).all()
    assert np.isfinite(own["mcse"]).all()
    assert (own["pareto_k"] < 0.6).all()


def test_a_patient_without_numbers_has_one_row(scored):
    own = scored[scored["patient_id"] == "R6"]
    assert len(own) == 1
    assert own["status"].item().startswith("not estimated: fewer than 3 visits")
    assert own["probability"].isna().all()


def test_the_last_record_is_the_last_visit(scored, visits):
    by_visit, now = wide(visits), wide(scored)
    final = visits.groupby("patient_id").tail(1).set_index("patient_id")
    first = scored.groupby("patient_id").head(1).set_index("patient_id")
    given = first.index[first["status"] == "estimated"]
    assert len(given) >= 3
    assert list(final.index[final["status"] == "estimated"]) == list(given)
    for pid in given:
        t = final.loc[pid, "t_years"]
        last = by_visit.loc[(pid, t)]
        np.testing.assert_allclose(last[list(EXPLANATIONS)], now.loc[(pid, t), list(EXPLANATIONS)],
                                   atol=2e-6)  # fmt: skip
        for name in ("low", "high", "mcse"):
            rows = visits[(visits["patient_id"] == pid) & (visits["t_years"] == t)]
            wanted = scored[(scored["patient_id"] == pid) & (scored["quantity"] == "present")]
            np.testing.assert_allclose(rows[name], wanted[name], atol=2e-6)


def test_each_visit_sums_to_one_once_there_is_enough(visits):
    for pid, n in zip(IDS, VISITS, strict=True):
        own = visits[visits["patient_id"] == pid]
        given = own["status"] == "estimated"
        sums = own[given].groupby("t_years")["probability"].sum()
        np.testing.assert_allclose(sums, 1.0, atol=1e-5)
        assert own[~given]["probability"].isna().all()
        first = own.drop_duplicates("t_years")["status"].to_list()
        few = [s.startswith("not estimated: fewer than 3") for s in first]
        assert few == sorted(few, reverse=True)
        assert len(first) >= n
    assert (visits[visits["patient_id"] == "R6"]["status"] != "estimated").all()


@pytest.mark.parametrize("request_", [ScoringRequest(), VISIT, ScoringRequest("population")])
def test_scoring_in_parts_is_scoring_at_once(request_, fit, cohort, monkeypatch):
    whole = score_cohort(fit, cohort, request_)
    monkeypatch.setattr(scoring, "PATIENTS_AT_ONCE", 4)
    done = []
    parts = score_cohort(fit, cohort, request_, on_progress=done.append)
    assert done == [4, 6]
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-9)


def test_as_of_is_cutting_the_records(fit, cohort, tmp_path):
    tables = regimes_tables()
    for name in ("doses.csv", "assessments.csv", "refills.csv", "events.csv"):
        head, *rows = tables[name].splitlines()
        kept = [row for row in rows if float(row.split(",")[1]) <= 1.25]
        tables[name] = "\n".join([head, *kept]) + "\n"
    cut = regimes_cohort(
        tmp_path, **{k.removesuffix(".csv"): v for k, v in tables.items() if k.endswith(".csv")}
    )
    assert isinstance(cut, Cohort)
    until = dict.fromkeys(IDS, 1.25)
    for request in (ScoringRequest(), VISIT):
        a = score_cohort(fit, cohort, request, until_years=until)
        pd.testing.assert_frame_equal(a, score_cohort(fit, cut, request))
        assert a["t_years"].max() == pytest.approx(1.25, abs=0.01)


def test_a_visit_knows_nothing_of_later_ones(fit, cohort, visits):
    cut = score_cohort(fit, cohort, VISIT, until_years=dict.fromkeys(IDS, 1.25))
    same = visits[visits["t_years"] < 1.26].reset_index(drop=True)
    pd.testing.assert_frame_equal(cut, same)


def test_scored_numbers_are_those_of_the_explanations(fit, cohort, scored):
    kept = thin(fit.posterior, scoring.DRAWS_PER_CHAIN)
    found = explain_patients(
        fit.plan, regimes_draws(fit.plan, kept), mode="conditional", seed=fit.seed
    )
    pd.testing.assert_frame_equal(scored, explanation_table(fit, found), rtol=1e-12)


def test_horizons_are_rows_of_their_own(fit, cohort):
    table = score_cohort(fit, cohort, ScoringRequest(horizons_months=(6.0, 24.0)))
    own = table[(table["patient_id"] == "R1") & (table["quantity"] == "within")]
    assert list(own["horizon_months"].unique()) == [6.0, 24.0]
    by = own.pivot_table(index="horizon_months", columns="explanation", values="probability")
    assert (by.loc[24.0, list(EXPLANATIONS[1:])] > by.loc[6.0, list(EXPLANATIONS[1:])]).all()


def test_population_scores_are_alike_at_any_reading(fit, cohort, tmp_path):
    text = regimes_tables()["assessments.csv"]
    head, *rows = text.splitlines()
    worse = [
        row if ",0,ashworth" in row or "ashworth" not in row else row.rsplit(",", 1)[0] + ",4"
        for row in rows
    ]
    other = regimes_cohort(tmp_path, assessments="\n".join([head, *worse]) + "\n")
    for every_visit in (False, True):
        request = ScoringRequest("population", every_visit=every_visit)
        a, b = score_cohort(fit, cohort, request), score_cohort(fit, other, request)
        pd.testing.assert_frame_equal(wide(a), wide(b))
        assert set(a["status"]) == {"estimated"}
    a, b = score_cohort(fit, cohort), score_cohort(fit, other)
    assert not wide(a).equals(wide(b))


def test_every_visit_of_the_population_ends_as_the_population(fit, cohort):
    visits = wide(score_cohort(fit, cohort, ScoringRequest("population", every_visit=True)))
    now = wide(score_cohort(fit, cohort, ScoringRequest("population")))
    last = visits.groupby("patient_id").tail(1)
    np.testing.assert_allclose(last, now.loc[last.index], atol=2e-6)


def test_who_has_no_dose_is_said(fit, cohort):
    table = score_cohort(fit, cohort, until_years={"R2": -1.0})
    row = table.iloc[-1]
    assert (row["patient_id"], row["status"]) == ("R2", "not estimated: no dose on record")
    assert np.isnan(row["t_years"])
    assert len(table[table["patient_id"] == "R2"]) == 1
    with pytest.raises(ModelError, match="has a dose on record"):
        score_cohort(fit, cohort, until_years=dict.fromkeys(IDS, -1.0))


def test_visits_with_weights_that_cannot_be_believed_have_no_numbers(fit, cohort):
    wide_apart = make_regimes_fit(fit.plan, draws=60, width=0.98)
    table = score_cohort(wide_apart, cohort, VISIT)
    doubtful = table["status"].str.startswith("not estimated: importance weights unreliable")
    assert doubtful.any()
    assert table.loc[doubtful, ["probability", "low", "high", "mcse"]].isna().all().all()
