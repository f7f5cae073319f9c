import json
from pathlib import Path

import pytest
from report_cases import CANARY, HOSTILE

from drift_cases import run_command
from fits import IDS as PLAIN
from fits import make_fit, make_plan, save_fit
from itb_bayes.inference.fitted import Fit


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_fit(make_fit(), tmp_path_factory.mktemp("bundles") / "fit")


def test_saved_fit_is_the_fit_that_was_saved(bundle: Path) -> None:
    fit, made = Fit.load(bundle), make_fit()
    assert fit.plan.series.patient_ids == PLAIN
    assert fit.posterior.equals(made.posterior)
    assert fit.manifest["run"] == made.manifest["run"]


def test_report_writes_pages_and_says_where(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages"
    done = run_command("report", bundle, "--out", out)
    assert done.code == 0, done.stderr
    assert f"{out / 'index.html'}: 14 patients, 0 not estimated" in done.stdout
    assert done.stdout.startswith("SYNTHETIC DATA")
    assert "pages: done in" in done.stderr
    assert len(list(out.glob("pt-*.html"))) == 14


def test_the_page_of_a_chosen_patient_is_named(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages"
    done = run_command("report", bundle, "--out", out, "--patient", "P07")
    (page,) = out.glob("pt-*.html")
    assert f"\n{page}\n" in done.stdout
    assert "P07" not in done.stdout


def test_pages_of_an_earlier_report_that_go_are_told(bundle: Path, tmp_path: Path) -> None:
    words = ("report", bundle, "--out", tmp_path / "pages")
    assert "Removed" not in run_command(*words, "--patient", "P03", "--patient", "P01").stdout
    done = run_command(*words, "--patient", "P03")
    assert "Removed from there: 1 page of an earlier report" in done.stdout
    assert len(list((tmp_path / "pages").glob("pt-*.html"))) == 1
    again = run_command(*words, "--patient", "P01", "--json")
    assert json.loads(again.stdout)["n_removed"] == 1


def test_report_as_json_maps_patients_to_pages(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages"
    done = run_command("report", bundle, "--out", out, "--patient", "P03", "--patient", "P01",
                       "--patient", "P03", "--json")  # fmt: skip
    made = json.loads(done.stdout)
    assert {page["patient_id"] for page in made["pages"]} == {"P01", "P03"}
    assert all((out / page["page"]).is_file() for page in made["pages"])
    assert (made["n_patients"], made["n_not_estimated"]) == (2, 0)
    assert (made["synthetic"], made["gate_passed"]) == (True, True)
    assert "2 of 14 fitted" in (out / "index.html").read_text(encoding="utf-8")


def test_an_unknown_patient_is_an_error_before_anything_is_made(
    bundle: Path, tmp_path: Path
) -> None:
    done = run_command("report", bundle, "--out", tmp_path / "out", "--patient", "p01")
    assert done.code == 2
    assert "patient 'p01' is not among these 14 patients" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_occupied_folder_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run_command("report", bundle, "--out", tmp_path)
    assert done.code == 2
    assert "choose another --out" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failed_gate_exits_with_5_unless_watermarked(tmp_path: Path) -> None:
    bundle = save_fit(make_fit(make_plan(("A", "B")), passed=False), tmp_path / "fit")
    refused = run_command("report", bundle, "--out", tmp_path / "out")
    assert refused.code == 5
    assert not (tmp_path / "out").exists()
    allowed = run_command("report", bundle, "--out", tmp_path / "out", "--allow-unconverged")
    assert allowed.code == 0
    assert "GATE NOT PASSED" in allowed.stdout


def test_hostile_identifiers_pass_through_a_bundle(hostile_fit: Fit, tmp_path: Path) -> None:
    bundle = save_fit(hostile_fit, tmp_path / "fit")
    chosen = [part for name in HOSTILE[:7] for part in ("--patient", name)]
    done = run_command("report", bundle, "--out", tmp_path / "out", *chosen)
    assert done.code == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fit", "out"]
    assert len(list((tmp_path / "out").glob("pt-*.html"))) == 7
    read = json.loads((tmp_path / "out" / "index.json").read_text(encoding="utf-8"))
    assert {row["patient_id"] for row in read["patients"]} == set(HOSTILE[:7])


def test_no_identifier_reaches_the_streams(hostile_fit: Fit, tmp_path: Path) -> None:
    bundle = save_fit(hostile_fit, tmp_path / "fit")
    done = run_command("report", bundle, "--out", tmp_path / "out", "--patient", CANARY)
    assert done.code == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr
