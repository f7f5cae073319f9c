"""Calibration: ranks, resuming, refusal of foreign files, and the real thing (slow)."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.evaluate import sbc
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.plan import plan_drift
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import load_model

SMALL = sbc.SbcSettings(replicates=3, sampler=SamplerSettings(draws=60, tune=60, chains=2))


@pytest.fixture(scope="module")
def design():
    spec = load_model("@drift")
    return spec, plan_drift(spec, Cohort.read(demo_cohort_dir()))


class PriorRefitter:
    """A sampler that returns the prior: calibrated on average, whatever the data."""

    calls = 0

    def __init__(self, spec, plan):
        self.spec, self.plan = spec, plan

    def sample(self, log_dose, settings):
        PriorRefitter.calls += 1
        assert np.isfinite(log_dose).all()
        draws = sbc.draw_prior(self.spec, self.plan, settings.draws * 2, settings.seed + 1000)
        halves = [draws.isel(draw=slice(k, None, 2)) for k in (0, 1)]
        posterior = xr.concat(
            [
                h.assign_coords(chain=[k], draw=np.arange(settings.draws))
                for k, h in enumerate(halves)
            ],
            "chain",
        )
        stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, settings.draws), bool))})
        return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def test_interrupted_calibration_goes_on_and_ends_the_same(design, tmp_path, monkeypatch):
    monkeypatch.setattr(sbc, "Refitter", PriorRefitter)
    whole = sbc.calibrate(*design, SMALL, tmp_path / "whole.jsonl", quiet=True)
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 4
    broken = tmp_path / "broken.jsonl"
    broken.write_text("".join(lines[:2]) + lines[2][:40])  # killed while writing the second
    PriorRefitter.calls = 0
    again = sbc.calibrate(*design, SMALL, broken, quiet=True)
    assert PriorRefitter.calls == 2
    pd.testing.assert_frame_equal(whole, again)
    assert {"drift[MS]", "within_sd", "slope of patient 1"} <= set(whole["quantity"])
    assert whole["rank"].between(0, sbc.N_RANKED).all()


def test_results_of_another_run_are_refused(design, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({"model": "another"}) + "\n")
    with pytest.raises(UsageError, match="another model, design or settings"):
        sbc.calibrate(*design, SMALL, path, quiet=True)


def test_rank_table_tells_uniform_from_skewed_ranks():
    rng = np.random.default_rng(2)
    n = 200
    rows = {
        "fair": rng.integers(0, sbc.N_RANKED + 1, n),
        "biased": np.minimum(rng.integers(0, sbc.N_RANKED + 1, n), rng.integers(0, 100, n)),
        "too narrow": np.where(rng.random(n) < 0.5, 3, 96),
    }
    results = pd.concat(
        [
            pd.DataFrame({"replicate": range(n), "quantity": name, "rank": rank})
            for name, rank in rows.items()
        ]
    )
    table = sbc.rank_table(results).set_index("quantity")
    assert table.loc["fair", "inside"]
    assert not table.loc["biased", "inside"]
    assert not table.loc["too narrow", "inside"]


@pytest.mark.slow
def test_drift_model_is_calibrated(design, tmp_path):
    settings = sbc.SbcSettings(replicates=60, seed=11)
    results = sbc.calibrate(*design, settings, tmp_path / "sbc.jsonl", quiet=True)
    table = sbc.rank_table(results)
    assert table["inside"].mean() >= 0.9
    assert table["p"].min() > 1e-4
