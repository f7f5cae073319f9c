"""Regimes fits on disk: written, sealed, loaded, refused."""

import json
import shutil
from unittest import mock

import numpy as np
import pytest

from drift_cases import tree_of
from fits import make_fit, save_fit
from itb_bayes.errors import GateError, ModelError, UsageError
from itb_bayes.inference import bundle
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.machinery import load_fit, machinery_of
from itb_bayes.inference.regimes_fitted import PATIENT_DRAWS_PER_CHAIN, RegimesFit
from itb_bayes.inference.regimes_states import explanations_now, filter_patients
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.regimes.layout import N_OWN, N_PAR
from itb_bayes.model.regimes_plan import REVISION, plan_regimes
from regimes_fits import (
    IDS,
    make_regimes_fit,
    regimes_cohort,
    regimes_posterior,
    regimes_spec,
    save_regimes_fit,
    small_regimes_fit,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_regimes_fit(tmp_path_factory.mktemp("made") / "small")


@pytest.fixture(scope="module")
def saved(made, tmp_path_factory):
    return save_regimes_fit(made, tmp_path_factory.mktemp("saved") / "fit")


def test_a_fit_is_loaded_as_it_was_made(made, saved):
    loaded = load_fit(saved)
    assert isinstance(loaded, RegimesFit)
    assert loaded.spec.digest == made.spec.digest
    assert loaded.plan.patient_ids == IDS
    assert loaded.posterior.identical(made.posterior) or loaded.posterior.equals(made.posterior)
    assert loaded.require_gate()
    assert (loaded.synthetic, loaded.seed, len(loaded.run_id)) == (True, 1, 12)


def test_population_parameters_are_those_of_the_draws(made):
    draws = made.population()
    assert draws.g.shape == (60, N_PAR)
    assert draws.own.shape == (60, 6, N_OWN)
    part = made.population(made.plan.between(2, 5))
    np.testing.assert_array_equal(part.own, draws.own[:, 2:5])
    np.testing.assert_array_equal(draws.of_patient(3).own, draws.own[:, 3:4])


def test_draws_for_patients_are_thinned(made):
    many = make_regimes_fit(made.plan, draws=2 * PATIENT_DRAWS_PER_CHAIN + 1)
    assert many.thinned.sizes["draw"] <= PATIENT_DRAWS_PER_CHAIN
    assert many.thinned.sizes["chain"] == 2


def test_the_drift_class_refuses_it_and_says_what_to_use(saved):
    with pytest.raises(ModelError, match=r"is a fit of kind 'regimes'.*`itb-bayes risk`"):
        Fit.load(saved)


def test_drift_fits_are_loaded_by_the_same_function(tmp_path):
    assert isinstance(load_fit(save_fit(make_fit(), tmp_path / "drift")), Fit)


def _resealed(saved, target, **changes):
    copy = shutil.copytree(saved, target)
    manifest = json.loads((copy / bundle.MANIFEST_FILE).read_text())
    manifest = {k: v for k, v in manifest.items() if k not in ("files", "seal", "format")}
    bundle.seal(copy, manifest | changes)
    return copy


def test_another_revision_is_refused(saved, tmp_path):
    copy = _resealed(saved, tmp_path / "fit", model_revision=REVISION - 1)
    with pytest.raises(ModelError, match="sampled by another version of the model"):
        load_fit(copy)


def test_another_model_is_refused(saved, tmp_path):
    copy = _resealed(saved, tmp_path / "fit", model="0" * 64)
    with pytest.raises(ModelError, match="names another model than it holds"):
        load_fit(copy)


def test_a_changed_file_is_refused(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "fit")
    with (copy / "data.nc").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UsageError, match=r"data\.nc does not match"):
        load_fit(copy)


def test_without_identities_it_is_loaded(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "fit")
    (copy / "identity.csv").unlink()
    assert load_fit(copy).plan.patient_ids[0] == "patient-1"


def test_a_kind_without_machinery_is_refused(made):
    other = made.spec.model_copy(update={"kind": "reservoir"})
    with pytest.raises(ModelError, match="kind 'reservoir' cannot be fitted"):
        machinery_of(other)


def test_a_failed_gate_names_the_commands_there_are(made):
    failed = make_regimes_fit(made.plan, passed=False)
    with pytest.raises(GateError, match="`risk`, `score` and `report` print") as caught:
        failed.require_gate()
    assert "itb-bayes check" not in str(caught.value)
    assert failed.require_gate(allow_unconverged=True) is False


def test_fitting_writes_a_fit_that_is_loaded(tmp_path):
    cohort = regimes_cohort(tmp_path / "small")
    plan = plan_regimes(regimes_spec(), cohort)

    def sample(spec, given, settings, working, quiet):
        (working / "chains").mkdir(exist_ok=True)
        assert given.patient_ids == plan.patient_ids
        return tree_of(regimes_posterior(spec, given, settings.chains, settings.draws))

    settings = SamplerSettings(draws=50, tune=50, chains=2)
    with mock.patch("itb_bayes.inference.fit._sample_resumable", sample):
        made = fit(regimes_spec(), cohort, settings, tmp_path / "fit", quiet=True)
    loaded = load_fit(tmp_path / "fit")
    assert isinstance(loaded, RegimesFit)
    assert {c.name for c in loaded.gate.criteria} >= {"R-hat of patient explanations"}
    assert loaded.gate == made.gate
    assert loaded.manifest["model_revision"] == made.manifest["model_revision"] == REVISION


def test_explanations_alone_are_those_of_the_whole_filter(made):
    draws = made.population()
    alone = explanations_now(made.plan, draws)
    np.testing.assert_array_equal(alone, filter_patients(made.plan, draws).now)
