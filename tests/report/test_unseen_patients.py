"""Pages of patients that a fit has not seen: their own records, compared with fitted patients."""

from pathlib import Path

import numpy as np
import pytest
from page_reader import Page
from report_cases import Report, read_report

from drift_cases import run_command
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.model.regimes_plan import RegimesPlan, plan_scoring
from itb_bayes.report.writing import write_report
from itb_bayes.risk import refit, regimes_patient
from itb_bayes.risk.explanations import explain_patients
from itb_bayes.risk.moved import MovedDraws, Mover
from itb_bayes.risk.refit import MODE, Grounds, Refit
from itb_bayes.risk.regimes_patient import NO_DIAGNOSIS
from itb_bayes.risk.scoring import n_draws
from itb_bayes.risk.weights import PatientWeights, equal_weights
from regimes_fits import regimes_cohort, regimes_tables, save_regimes_fit


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Six patients of three diagnoses, one of which was not fitted, and one without a dose."""
    patients = regimes_tables()["patients.csv"] + "R7,MS,north,ascenda,3\n"
    return regimes_cohort(tmp_path_factory.mktemp("unseen") / "cohort", patients=patients)


@pytest.fixture(scope="module")
def unseen(
    explaining_fit: RegimesFit, cohort: Cohort, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    """Their report."""
    out = tmp_path_factory.mktemp("unseen-report") / "pages"
    write_report(explaining_fit, out, unseen=cohort)
    return read_report(explaining_fit, out)


def test_numbers_are_those_of_scoring(
    unseen: Report, explaining_fit: RegimesFit, cohort: Cohort
) -> None:
    plan = plan_scoring(explaining_fit.plan, cohort)
    found = explain_patients(
        plan, explaining_fit.population(plan), mode="conditional",
        horizons_months=(3.0, 6.0, 9.0, 12.0), seed=explaining_fit.seed,
    )  # fmt: skip
    shown = 0
    for patient in found:
        document = unseen.documents[patient.patient_id]
        if document.explanations is None:
            continue
        shown += 1
        told = {i.explanation: i.probability for i in document.explanations.items}
        assert told == pytest.approx({n: p.value for n, p in patient.present.items()}, rel=1e-5)
        rise = [r.probability for r in document.risks_ahead if r.threshold_ug]
        assert rise == pytest.approx([patient.rise[12.0].value], rel=1e-5)
    assert shown


def test_pages_say_that_the_records_were_not_part_of_the_fit(unseen: Report) -> None:
    assert len(unseen.documents) == 6
    for patient_id, document in unseen.documents.items():
        assert document.provenance.mode == "conditional"
        assert document.provenance.cohort == "small"
        words = Page(unseen.html(patient_id)).words
        assert "This patient’s records were not part of the fit" in words
        if document.explanations is not None:
            assert document.explanations.group.endswith("patients of the fit")
    words = Page(unseen.pages["index.html"]).words
    assert "6, not part of the fit of 30" in words
    assert "Set aside 1 entry" in words


def test_a_diagnosis_that_was_not_fitted_gets_no_numbers(unseen: Report) -> None:
    document = unseen.documents["R3"]
    assert document.diagnosis == NO_DIAGNOSIS
    assert document.quality.status == "not estimated"
    words = Page(unseen.html("R3")).words
    assert "the diagnosis is none of those fitted" in words
    assert " in 100" not in words


@pytest.mark.usefixtures("unforeseen")
def test_unreliable_weights_give_no_numbers(
    explaining_fit: RegimesFit, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = regimes_patient.importance_weights
    looked_at = []

    def once_more(ll: np.ndarray) -> PatientWeights:
        looked_at.append(ll.shape)
        return weights(ll)

    monkeypatch.setattr(regimes_patient, "importance_weights", once_more)
    monkeypatch.setattr(refit, "importance_weights", once_more)
    write_report(explaining_fit, tmp_path / "out", ("R1",), unseen=cohort)
    all_draws = n_draws(explaining_fit.posterior)
    assert looked_at[1:] == [(all_draws, 1)]  # R1 alone once more, by every draw of the fit
    made = read_report(explaining_fit, tmp_path / "out")
    assert made.documents["R1"].explanations is None
    words = Page(made.html("R1")).words
    assert "importance weights unreliable (Pareto k 0.90 above 0.60)" in words
    assert " in 100" not in words


@pytest.fixture
def unforeseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No draws of the fit foretell anyone."""

    def weights(ll: np.ndarray) -> PatientWeights:
        n_draw, n = ll.shape
        return PatientWeights(
            np.full((n_draw, n), 1.0 / n_draw), np.full(n, 0.9), np.full(n, 2.0), 0.6
        )

    monkeypatch.setattr(regimes_patient, "importance_weights", weights)
    monkeypatch.setattr(refit, "importance_weights", weights)


@pytest.mark.usefixtures("unforeseen")
def test_the_fallback_gives_numbers_to_whom_the_fit_does_not_foretell(
    explaining_fit: RegimesFit, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move(self: Mover, one: RegimesPlan, log_likelihood: np.ndarray) -> MovedDraws:
        draws = regimes_draws(one, self.fit.posterior)
        return MovedDraws(draws, equal_weights(draws.n_draw, 1), 1)

    monkeypatch.setattr(Mover, "move", move)
    said: list[str] = []
    fallback = Refit(explaining_fit, said.append)
    write_report(explaining_fit, tmp_path / "out", ("R1", "R2"), unseen=cohort, fallback=fallback)
    made = read_report(explaining_fit, tmp_path / "out")
    assert said == ["moving draws", "moving draws"]
    for patient_id in ("R1", "R2"):
        document = made.documents[patient_id]
        assert document.provenance.mode == "refit"
        assert document.explanations is not None
        assert document.sensitivity is None  # told of the draws of the fit alone
        words = Page(made.html(patient_id)).words
        assert "The draws used here take in this patient’s records" in words
    alone = tmp_path / "alone"
    write_report(explaining_fit, alone, ("R2",), unseen=cohort, fallback=fallback)
    page = f"{made.documents['R2'].page_id}.html"
    assert (alone / page).read_bytes() == (tmp_path / "out" / page).read_bytes()


@pytest.mark.usefixtures("unforeseen")
def test_sampling_that_does_not_converge_gives_a_page_without_numbers(
    explaining_fit: RegimesFit, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grounds(self: Refit, one: RegimesPlan, log_likelihood: np.ndarray) -> Grounds:
        draws = regimes_draws(one, self.fit.posterior)
        states, weights = filter_patients(one, draws), equal_weights(draws.n_draw, 1)
        return Grounds(draws, states, weights, MODE, "R-hat of parameters 1.2")

    monkeypatch.setattr(Refit, "grounds", grounds)
    fallback = Refit(explaining_fit)
    write_report(explaining_fit, tmp_path / "out", ("R1",), unseen=cohort, fallback=fallback)
    made = read_report(explaining_fit, tmp_path / "out")
    assert made.documents["R1"].explanations is None
    words = Page(made.html("R1")).words
    assert "sampling with this patient did not converge (R-hat of parameters 1.2)" in words
    assert " in 100" not in words


def test_drift_fits_have_no_pages_of_unseen_patients(
    hostile_fit, cohort: Cohort, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="made of regimes fits; this is a drift fit"):
        write_report(hostile_fit, tmp_path / "out", unseen=cohort)
    assert not (tmp_path / "out").exists()


def test_the_command(explaining_fit: RegimesFit, tmp_path: Path) -> None:
    regimes_cohort(tmp_path / "new")
    bundle = save_regimes_fit(explaining_fit, tmp_path / "fit")
    done = run_command("report", bundle, "--cohort", tmp_path / "new", "--out", tmp_path / "out",
                       "--patient", "R1")  # fmt: skip
    assert done.code == 0, done.stderr
    assert "1 patient," in done.stdout
    assert "fitted patients: done in" in done.stderr
    unknown = run_command("report", bundle, "--cohort", tmp_path / "new", "--out", tmp_path / "b",
                          "--patient", "Q01")  # fmt: skip
    assert unknown.code == 2
    assert "patient 'Q01' is not among these 6 patients" in unknown.stderr
    own = run_command("report", bundle, "--out", tmp_path / "b", "--refit")
    assert own.code == 2
    assert "--refit is for patients that the fit has not seen" in own.stderr
    again = run_command("report", bundle, "--cohort", tmp_path / "new", "--out", tmp_path / "b",
                        "--patient", "R1", "--refit")  # fmt: skip
    assert again.code == 0, again.stderr
