"""The Python interface: three lines from data to answer."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

import itb_bayes
from drift_cases import instead_of_sampling, run_command
from itb_bayes import api
from itb_bayes.errors import CohortError, GateError, ModelError, UsageError
from paper_fits import complications_draws, paper_cohort, spasticity_draws
from regimes_fits import save_regimes_fit, small_regimes_fit

ROOT = Path(__file__).resolve().parent.parent


def test_three_lines_from_data_to_answer(tiny_folder: Path) -> None:
    with instead_of_sampling():
        cohort = itb_bayes.Cohort.read(tiny_folder)
        fit = itb_bayes.fit("@drift", cohort, profile="quick", seed=2)
        risk = fit.risk()
    assert set(risk["patient_id"]) <= set(cohort.patients["patient_id"])
    assert risk["probability"].between(0, 1).all()
    assert fit.synthetic
    assert fit.failures == []
    assert repr(fit).startswith("<ModelFit drift 1.0, run ")
    assert not any(patient in repr(fit) for patient in cohort.patients["patient_id"])


def test_a_temporary_fit_goes_with_its_object(tiny_folder: Path) -> None:
    with instead_of_sampling():
        fit = itb_bayes.fit("@drift", tiny_folder, profile="quick")
    folder = fit.folder
    assert (folder / "manifest.json").is_file()
    del fit
    gc.collect()
    assert not folder.parent.exists()


def test_numbers_are_those_of_the_command_line(passed_fit: Path) -> None:
    fit = itb_bayes.load_fit(passed_fit)
    printed = run_command("risk", passed_fit, "--format", "csv").stdout.splitlines()
    risk = fit.risk()
    assert len(printed) == len(risk) + 1
    assert printed[0].split(",") == list(risk.columns)
    first = printed[1].split(",")
    assert f"{risk['probability'].iloc[0]:.6g}" in first
    table = fit.table()
    assert {"quantity", "group", "q05", "median", "q95"} <= set(table.columns)
    assert set(fit.posterior.dims) >= {"chain", "draw"}


def test_checks_of_a_fit(passed_fit: Path) -> None:
    results = itb_bayes.load_fit(passed_fit).check()
    assert len(results) > 3
    assert all(result.name for result in results)


def test_tables_of_the_other_kinds(tmp_path: Path) -> None:
    cohort = paper_cohort(tmp_path / "cohort")
    with instead_of_sampling(complications_draws):
        counts = itb_bayes.fit("@complications", "@literature", profile="quick")
    with instead_of_sampling(spasticity_draws):
        scores = itb_bayes.fit(itb_bayes.load_model("@spasticity"), cohort, out=tmp_path / "fit")
    assert set(counts.table()["complication"]) == {"catheter", "pump", "infection", "tolerance"}
    assert "p_below_zero" in scores.table().columns
    for fit in (counts, scores):
        with pytest.raises(ModelError, match="single patients"):
            fit.risk()
        with pytest.raises(ModelError, match="no checks"):
            fit.check()
        with pytest.raises(ModelError, match="kind 'regimes'"):
            fit.score(cohort)


def test_regimes_fits_explain_and_score(tmp_path: Path) -> None:
    made = small_regimes_fit(tmp_path / "cohort")
    fit = itb_bayes.load_fit(save_regimes_fit(made, tmp_path / "fit"))
    present = fit.risk()
    assert "tolerance" in set(present["explanation"])
    assert len(fit.table()) > 10
    cohort = itb_bayes.Cohort.read(tmp_path / "cohort")
    early = fit.score(cohort, as_of_years=1.0)
    assert (early["t_years"].dropna() <= 1.01).all()
    visits = fit.score(cohort, every_visit=True)
    assert len(visits) > len(early)


def test_a_fit_that_did_not_converge_gives_no_number(tiny_folder: Path) -> None:
    with instead_of_sampling(diverging=2):
        fit = itb_bayes.fit("@drift", tiny_folder, profile="quick")
    assert not fit.passed
    assert "GATE NOT PASSED" in repr(fit)
    for call in (fit.risk, fit.table):
        with pytest.raises(GateError, match="divergences"):
            call()
    assert set(fit.risk(allow_unconverged=True)["status"]) == {"GATE NOT PASSED"}


def test_what_a_user_can_get_wrong_is_named(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CohortError):
        itb_bayes.fit("@drift", tmp_path / "nowhere")
    with pytest.raises(ModelError, match="need a cohort"):
        itb_bayes.fit("@drift", "@literature")
    with pytest.raises(UsageError, match="no profile 'fast'"):
        itb_bayes.fit("@drift", tiny_folder, profile="fast")
    with pytest.raises(ModelError, match="@drfit"):
        itb_bayes.fit("@drfit", tiny_folder)
    with pytest.raises(UsageError, match="is not a fit"):
        itb_bayes.load_fit(tmp_path)


def test_names_are_those_that_are_documented() -> None:
    assert set(api.__all__) | {"__version__"} == set(itb_bayes.__all__) == set(dir(itb_bayes))
    stub = (ROOT / "src/itb_bayes/__init__.pyi").read_text(encoding="utf-8")
    assert all(f"as {name}\n" in stub for name in api.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = itb_bayes.fitt  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing() -> None:
    code = "import itb_bayes, sys; print('numpy' in sys.modules, 'itb_bayes.api' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "False"]
