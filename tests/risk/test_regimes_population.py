"""The population table of a regimes fit."""

import numpy as np
import pytest

from itb_bayes.model.regimes_parameters import used_priors
from itb_bayes.risk.regimes_population import regimes_table


def test_every_sampled_quantity_has_its_groups(regimes_fit):
    table = regimes_table(regimes_fit)
    assert {row.quantity for row in table} == used_priors(regimes_fit.plan)
    groups = {}
    for row in table:
        groups.setdefault(row.quantity, []).append(row.group)
    assert groups["drift"] == groups["progression_per_year"] == ["HSP", "MS", "SCI"]
    assert groups["goal"] == groups["reading_sd"] == ["north", "south"]
    assert all(
        labels == ["all"]
        for name, labels in groups.items()
        if name not in ("drift", "progression_per_year", "goal", "reading_sd")
    )


def test_values_are_in_clinical_units(regimes_fit):
    rows = {(row.quantity, row.group): row for row in regimes_table(regimes_fit)}
    posterior = regimes_fit.posterior
    q = (0.05, 0.5, 0.95)

    def same(row, want):
        got = (row.interval.q05, row.interval.median, row.interval.q95)
        assert got == pytest.approx(tuple(want))

    drift = posterior["drift"].sel(diagnosis="MS").to_numpy()
    same(rows["drift", "MS"], 100.0 * np.expm1(np.quantile(drift, q)))
    assert rows["drift", "MS"].unit == "%/year"
    same(rows["titration_depth", "all"], np.exp(np.quantile(posterior["titration_depth"], q)))
    same(rows["titration_months", "all"], 12.0 * np.quantile(posterior["titration_months"], q))
    same(rows["trigger_weeks", "all"],
         365.25 / 7.0 * np.quantile(posterior["trigger_weeks"], q))  # fmt: skip
    same(rows["goal", "south"], np.quantile(posterior["goal"].sel(centre="south"), q))


def test_priors_are_those_of_the_model_file(regimes_fit):
    rows = {(row.quantity, row.group): row for row in regimes_table(regimes_fit)}
    for key, ends in {
        ("drift", "SCI"): (-3.0, 9.0),
        ("trigger_weeks", "all"): (2.0, 9.0),
        ("progression_per_year", "MS"): (0.012, 0.1),
        ("progression_per_year", "HSP"): (0.001, 0.03),
        ("goal", "north"): (0.5, 1.5),
    }.items():
        assert (rows[key].prior_low, rows[key].prior_high) == pytest.approx(ends, rel=1e-6)
    # The made-up draws come from the middle of the priors.
    for row in rows.values():
        assert row.prior_low < row.interval.q05 <= row.interval.q95 < row.prior_high
        assert row.meaning
