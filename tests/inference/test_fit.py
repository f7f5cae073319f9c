"""A short run of the real sampler: what it leaves, what it never shows, and how it goes on."""

import json

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from drift_cases import CANARY, CANARY_DOSE, FAILED, base_spec, fit_of, permuted_chains, value_point
from itb_bayes.caching import compile_cache_dir
from itb_bayes.errors import GateError
from itb_bayes.inference import fit as module
from itb_bayes.inference import fitted, refit
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit, thin
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.refit import Refitter
from itb_bayes.inference.sampling import SamplingInterrupted, sample_batch
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.drift import build_drift

CRITERIA = {
    f"{what} of {label}"
    for what in ("R-hat", "bulk ESS", "tail ESS")
    for label in ("parameters", "population estimands", "patient quantities")
} | {"divergences", "E-BFMI"}


def same_draws(a: Fit, b: Fit) -> bool:
    return all(np.array_equal(a.posterior[name], b.posterior[name]) for name in a.posterior)


@pytest.fixture
def use_compiled(sampled, monkeypatch) -> list:
    """Let fits reuse the session's compiled model; return the batches that were sampled."""
    batches = []

    def counted(compiled, settings, batch, report):
        batches.append(batch.first)
        return sample_batch(compiled, settings, batch, report)

    monkeypatch.setattr(module, "compile_model", lambda model: sampled.compiled)
    monkeypatch.setattr(module, "sample_batch", counted)
    return batches


def test_diagnostics_are_always_run_and_a_short_run_is_refused(sampled):
    assert sampled.outcome.code == 5
    report = json.loads((sampled.fit / "diagnostics.json").read_text(encoding="utf-8"))
    assert {c["name"] for c in report["criteria"]} == CRITERIA
    assert report["passed"] is False
    loaded = Fit.load(sampled.fit)
    assert not loaded.gate.passed
    assert loaded.manifest["gate_passed"] is False
    with pytest.raises(GateError, match="convergence gate; no numbers are given"):
        loaded.require_gate()


def test_the_draws_are_those_asked_for(sampled):
    posterior = Fit.load(sampled.fit).posterior
    assert dict(posterior.sizes) == {
        "chain": 4, "draw": 100, "diagnosis": 2, "centre": 2,
    }  # fmt: skip
    assert posterior["chain"].to_numpy().tolist() == [0, 1, 2, 3]
    first, second = posterior["level_sd"][0].to_numpy(), posterior["level_sd"][2].to_numpy()
    assert not np.array_equal(first, second)


def test_no_patient_is_seen_in_what_a_fit_prints(sampled):
    for text in (sampled.outcome.stdout, sampled.outcome.stderr):
        assert text
        assert CANARY not in text
        assert str(CANARY_DOSE) not in text
        assert f"{np.log(CANARY_DOSE):.4f}" not in text


def test_no_patient_is_in_the_compiled_code(sampled):
    """Compiled code can hold constants in clear, so patient values must never be constants."""
    folder = compile_cache_dir()
    series = Fit.load(sampled.fit).plan.series
    peculiar = np.concatenate([series.daily_dose_ug, np.log(series.daily_dose_ug)])
    needles = [CANARY.encode(), *(value.tobytes() for value in peculiar)]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    found = [
        path.name for path in files for content in [path.read_bytes()]
        if any(needle in content for needle in needles)
    ]  # fmt: skip
    assert found == []


def test_an_interrupted_fit_goes_on_and_ends_as_if_nothing_had_happened(
    sampled, tiny_cohort, use_compiled, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "fit"
    counted = module.sample_batch

    def interrupted(compiled, settings, batch, report):
        if batch.first:
            raise SamplingInterrupted("stopped")
        return counted(compiled, settings, batch, report)

    monkeypatch.setattr(module, "sample_batch", interrupted)
    with pytest.raises(SamplingInterrupted):
        fit(base_spec(), tiny_cohort, sampled.settings, out)
    assert not out.exists()
    (part,) = tmp_path.iterdir()
    assert [path.name for path in (part / "chains").iterdir()] == ["chains-0.nc"]

    monkeypatch.setattr(module, "sample_batch", counted)
    capsys.readouterr()
    done = fit(base_spec(), tiny_cohort, sampled.settings, out)
    assert use_compiled == [0, 2]
    assert "going on from 2 finished chains" in capsys.readouterr().err
    whole = Fit.load(sampled.fit)
    assert same_draws(done, whole)
    assert done.gate == whole.gate
    assert done.run_id == whole.run_id
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]


def test_finished_chains_are_not_sampled_again_and_need_no_compiling(
    sampled, tiny_cohort, tmp_path, monkeypatch
):
    out = tmp_path / "fit"
    whole = Fit.load(sampled.fit)
    part = out.with_name(f".fit.{whole.run_id}.part") / "chains"
    part.mkdir(parents=True)
    for first in (0, 2):
        chains = whole.draws.isel(chain=slice(first, first + 2))
        module.bundle.write_tree(chains, part / f"chains-{first}.nc")

    def refuse(*arguments):
        raise AssertionError("there is nothing to sample")

    monkeypatch.setattr(module, "compile_model", refuse)
    monkeypatch.setattr(module, "sample_batch", refuse)
    assert same_draws(fit(base_spec(), tiny_cohort, sampled.settings, out, quiet=True), whole)


def test_another_seed_gives_other_draws(sampled, tiny_cohort, use_compiled, tmp_path):
    other = SamplerSettings(draws=50, tune=50, chains=2, seed=12)
    one = fit(base_spec(), tiny_cohort, other, tmp_path / "a", quiet=True)
    two = fit(base_spec(), tiny_cohort, other, tmp_path / "b", quiet=True)
    third = SamplerSettings(draws=50, tune=50, chains=2, seed=13)
    three = fit(base_spec(), tiny_cohort, third, tmp_path / "c", quiet=True)
    assert same_draws(one, two)
    assert not same_draws(one, three)


def test_the_gate_names_what_failed_and_can_be_overruled(tiny_plan):
    spec = base_spec()
    failed = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 20), FAILED)
    with pytest.raises(GateError) as caught:
        failed.require_gate()
    assert "R-hat of parameters: 1.32 at drift_sd (asked: below 1.01)" in str(caught.value)
    assert "--allow-unconverged" in str(caught.value)
    assert caught.value.exit_code == 5
    assert failed.require_gate(allow_unconverged=True) is False
    good = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 20))
    assert good.require_gate() is True


@pytest.mark.parametrize(
    ("draws", "kept"), [(50, 50), (250, 250), (499, 249), (600, 200), (1000, 250)]
)
def test_patients_are_judged_on_at_most_so_many_evenly_spaced_draws(
    draws, kept, tiny_plan, monkeypatch
):
    monkeypatch.setattr(fitted, "PATIENT_DRAWS_PER_CHAIN", 250)
    posterior = permuted_chains(base_spec(), tiny_plan, 2, draws)
    thinned = thin(posterior)
    assert thinned.sizes["draw"] == kept
    steps = np.diff(thinned["draw"].to_numpy())
    assert len(set(steps.tolist())) == 1


REFIT = SamplerSettings(draws=50, tune=50, chains=2, seed=3)


@pytest.fixture
def refitter(sampled, tiny_plan, monkeypatch) -> Refitter:
    monkeypatch.setattr(refit, "compile_model", lambda model: sampled.compiled)
    return Refitter(base_spec(), tiny_plan)


def test_other_doses_give_another_posterior(refitter, tiny_plan):
    y = tiny_plan.panel.y
    low = refitter.sample(y, REFIT)["posterior"].to_dataset()
    high = refitter.sample(y + 1.0, REFIT)["posterior"].to_dataset()
    assert dict(low.sizes) == {"chain": 2, "draw": 50, "diagnosis": 2, "centre": 2}
    rise = (
        population_draws(base_spec(), tiny_plan, high).level_mean.mean()
        - population_draws(base_spec(), tiny_plan, low).level_mean.mean()
    )
    assert 0.3 < rise < 1.2


@pytest.mark.parametrize(
    "change", [lambda y: y[:-1], lambda y: np.append(y, 5.0), lambda y: y * np.nan]
)
def test_doses_that_do_not_fit_the_design_are_refused(change, refitter, tiny_plan):
    with pytest.raises(ValueError, match="finite and have one value per reading"):
        refitter.sample(change(tiny_plan.panel.y), REFIT)


def test_the_sampler_followed_the_density_of_the_graph(sampled, tiny_plan):
    """The log density that compiled code gave at draws, against the graph evaluated in Python."""
    fitted = Fit.load(sampled.fit)
    model = build_drift(base_spec(), tiny_plan)
    density = model.compile_logp(mode=Mode(linker="py", optimizer=None))
    for chain, draw in ((0, 0), (1, 40), (3, 99)):
        one = fitted.draws.isel(chain=chain, draw=draw)
        point = value_point(model, one["posterior"].to_dataset())
        assert float(density(point)) == pytest.approx(
            float(one["sample_stats"]["logp"]), rel=1e-8, abs=2e-6
        )
