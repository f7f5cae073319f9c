"""CSV, FHIR and CDS Hooks say what the documents say, and nothing a machine could misread."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from explained_cases import IDS, SHORT
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from page_reader import BANNED
from report_cases import CANARY, HOSTILE, Report

from drift_cases import run_command
from fits import make_fit, make_plan
from itb_bayes.cli.report import parse_day
from itb_bayes.errors import GateError, UsageError
from itb_bayes.report.cds_card import cds_card
from itb_bayes.report.document import Gate, PatientDocument, json_text
from itb_bayes.report.exports import FORMATS, Exports
from itb_bayes.report.fhir import fhir_bundle, months_later, percent
from itb_bayes.report.numbers_csv import formula_free, numbers_csv
from itb_bayes.report.writing import write_report
from regimes_fits import save_regimes_fit

TODAY = date(2026, 3, 31)
PASSED = Gate(True, ())
BUNDLES = {"R4B": BundleR4B, "R5": BundleR5}


def _numbers(document: PatientDocument) -> set[tuple[str, str, float]]:
    """Return every probability of a document: quantity, explanation, value."""
    items = document.explanations.items if document.explanations else ()
    found = {("present", i.explanation, i.probability) for i in items}
    return found | {(r.quantity, r.explanation, r.probability) for r in document.risks_ahead}


def _rows(documents: list[PatientDocument]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(numbers_csv(documents))))


def test_csv_holds_the_numbers_of_the_documents(explained: Report, report: Report) -> None:
    for made in (explained, report):
        for document in made.documents.values():
            rows = _rows([document])
            told = {
                (r["quantity"], r["explanation"], float(r["probability"]))
                for r in rows
                if r["probability"]
            }
            assert told == _numbers(document)
            doses = [float(r["dose_ug"]) for r in rows if r["dose_ug"]]
            expected = [
                q
                for f in document.forecasts
                for q in (
                    f.dose_ug.q05, f.dose_ug.q25, f.dose_ug.median, f.dose_ug.q75, f.dose_ug.q95
                )
            ]  # fmt: skip
            assert doses == expected
            assert {r["notice"] for r in rows} == {"research use only; not a medical device"}
            assert {r["synthetic"] for r in rows} == {"true"}


def test_csv_of_a_patient_without_numbers_says_so(explained: Report) -> None:
    (row,) = _rows([explained.documents[SHORT]])
    assert row["status"] == "not estimated"
    assert row["probability"] == row["quantity"] == ""


def test_no_cell_of_the_csv_is_a_formula(explained: Report) -> None:
    text = numbers_csv(explained.documents.values())
    assert "\x00" not in text
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
                assert float(cell) < 0.0
    assert "'=cmd|' /C calc'!A0" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\t=1", "'=1"),
        ("\x00=1", "'=1"), ("＝1", "'＝1"), ("A-1", "A-1"), ("", ""),
    ],
)  # fmt: skip
def test_formulas_are_quoted(text: str, shown: str) -> None:
    assert formula_free(text) == shown


def _predictions(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        prediction
        for entry in bundle["entry"]
        for prediction in entry["resource"].get("prediction", [])
    ]


@pytest.mark.parametrize("release", ["R4B", "R5"])
def test_bundles_are_valid_and_hold_the_numbers_of_the_documents(
    explained: Report, report: Report, release: Any
) -> None:
    for made in (explained, report):
        for document in made.documents.values():
            bundle = fhir_bundle(document, release, TODAY)
            BUNDLES[release].model_validate_json(json_text(bundle))
            predictions = _predictions(bundle)
            told = sorted(p["probabilityDecimal"] for p in predictions)
            expected = [100.0 * p for _, _, p in _numbers(document)]
            assert told == pytest.approx(sorted(expected), rel=1e-5)
            for prediction in predictions:
                assert 0.0 <= prediction["probabilityDecimal"] <= 100.0
                assert set(prediction["whenPeriod"]) == {"start", "end"}
                assert not {"qualitativeRisk", "relativeRisk", "probabilityRange"} & set(prediction)
                limits = prediction["extension"][0]["valueRange"]
                assert limits["low"]["code"] == limits["high"]["code"] == "%"
            assert not BANNED.findall(json_text(bundle))


def _empty(value: Any) -> bool:
    """Return whether a value holds an object or list without content: FHIR knows none."""
    if isinstance(value, (dict, list)):
        parts = value.values() if isinstance(value, dict) else value
        return not value or any(_empty(part) for part in parts)
    return False


def test_bundles_hold_no_empty_object(explained: Report) -> None:
    for patient_id in (CANARY, SHORT):
        document = explained.documents[patient_id]
        real = replace(document, provenance=replace(document.provenance, synthetic=False))
        for made in (document, real):
            bundle = fhir_bundle(made, "R4B", TODAY)
            assert not _empty(bundle)
            BundleR4B.model_validate_json(json_text(bundle))
        assert "HTEST" not in json_text(fhir_bundle(real, "R4B", TODAY))
        assert "SYNTHETIC" not in json_text(fhir_bundle(real, "R4B", TODAY))


def test_present_and_ahead_have_their_own_times(explained: Report) -> None:
    bundle = fhir_bundle(explained.documents[CANARY], "R5", TODAY)
    now, ahead = (e["resource"] for e in bundle["entry"][-2:])
    assert {json.dumps(p["whenPeriod"]) for p in now["prediction"]} == {
        '{"start": "2026-03-31", "end": "2026-03-31"}'
    }
    assert {p["whenPeriod"]["end"] for p in ahead["prediction"]} == {"2027-03-31"}
    for resource in (now, ahead):
        assert resource["status"] == "preliminary"
        assert "Research use only" in resource["text"]["div"]
        assert "Research use only" in resource["note"][0]["text"]
        assert resource["meta"]["tag"][0]["code"] == "HTEST"


def test_numbers_are_dated_by_the_last_record_and_not_by_the_day_of_asking(
    explained: Report,
) -> None:
    document = explained.documents[CANARY]
    later = replace(document, asked_as_of_years=document.as_of_years + 0.5)
    bundle = fhir_bundle(later, "R5", TODAY)
    BUNDLES["R5"].model_validate_json(json_text(bundle))
    dose, now, ahead = (entry["resource"] for entry in bundle["entry"][-3:])
    assert dose["effectiveDateTime"] == "2025-09-29"  # 183 days before
    assert {p["whenPeriod"]["end"] for p in now["prediction"]} == {"2025-09-29"}
    assert {p["whenPeriod"]["start"] for p in ahead["prediction"]} == {"2025-09-29"}
    assert {p["whenPeriod"]["end"] for p in ahead["prediction"]} == {"2026-09-29"}
    assert now["occurrenceDateTime"] == ahead["occurrenceDateTime"] == "2026-03-31"


def test_every_prediction_says_whom_it_is_beside(explained: Report, report: Report) -> None:
    for document in (explained.documents[CANARY], report.documents[CANARY]):
        for prediction in _predictions(fhir_bundle(document, "R5", TODAY)):
            said = prediction["rationale"]
            assert re.search(
                r"(Mean over|yearly comparisons of) the \d+ (fitted )?MS patients", said
            ), said


def test_hostile_identifiers_are_valid_in_a_bundle(explained: Report) -> None:
    for patient_id in HOSTILE:
        bundle = fhir_bundle(explained.documents[patient_id], "R4B", TODAY)
        text = json_text(bundle)
        BundleR4B.model_validate_json(text)
        assert "\\u0000" not in text
        assert "\\u202e" not in text
        divs = [e["resource"]["text"]["div"] for e in bundle["entry"] if "text" in e["resource"]]
        assert all("<script" not in div for div in divs)


def test_percentages_are_percentages() -> None:
    assert percent(0.48) == 48.0
    assert percent(1.0) == 100.0
    for wrong in (-0.01, 1.01, 48.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            percent(wrong)


def test_months_end_on_days_that_exist() -> None:
    assert months_later(date(2026, 3, 31), 12) == date(2027, 3, 31)
    assert months_later(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_later(date(2026, 11, 22), 3) == date(2027, 2, 22)


def test_cards_inform_and_suggest_nothing(explained: Report, report: Report) -> None:
    for made in (explained, report):
        for patient_id, document in made.documents.items():
            (card,) = cds_card(document)["cards"]
            assert set(card) == {"uuid", "summary", "indicator", "detail", "source"}
            assert card["indicator"] == "info"
            assert 0 < len(card["summary"]) < 140
            assert "Research use only" in card["summary"]
            assert "follow the local emergency pathway now" in card["detail"]
            assert not BANNED.findall(json_text(card))
            if len(patient_id) > 3:
                assert patient_id not in json_text(card)
    names = {cds_card(d)["cards"][0]["uuid"] for d in explained.documents.values()}
    assert len(names) == len(IDS)


def test_exports_are_checked_before_any_page_is_made() -> None:
    Exports(("csv", "cds"), None).check(PASSED)
    with pytest.raises(UsageError, match="no format 'xml'; --also takes pdf, csv"):
        Exports(("xml",)).check(PASSED)
    with pytest.raises(UsageError, match="say with --date which day the records run to"):
        Exports(("fhir-r5",)).check(PASSED)
    with pytest.raises(GateError, match="no csv is made of it"):
        Exports(("csv",)).check(Gate(False, ("R-hat",)))


def test_a_failed_gate_gives_nothing_that_could_carry_no_watermark(tmp_path: Path) -> None:
    fit = make_fit(make_plan(("A", "B")), passed=False)
    with pytest.raises(GateError, match="did not pass"):
        write_report(fit, tmp_path / "out", allow_unconverged=True, exports=Exports(("csv",)))
    assert not (tmp_path / "out").exists()


def test_days_are_read() -> None:
    assert parse_day("2026-03-31") == TODAY
    assert parse_day(None) is None
    with pytest.raises(UsageError, match="write it as 2026-03-31"):
        parse_day("31.3.2026")


def test_files_lie_beside_the_pages_and_name_nobody(explained: Report, tmp_path: Path) -> None:
    bundle = save_regimes_fit(explained.fit, tmp_path / "fit")  # type: ignore[arg-type]
    formats = [name for name in FORMATS if name != "pdf"]
    options = [part for name in formats for part in ("--also", name)]
    done = run_command("report", bundle, "--out", tmp_path / "out", "--patient", CANARY,
                       "--date", "2026-03-31", *options)  # fmt: skip
    assert done.code == 0, done.stderr
    page = explained.documents[CANARY].page_id
    made = {p.name for p in (tmp_path / "out").iterdir()}
    expected = {f"{page}.{kind}" for kind in
                ("html", "json", "fhir-r4b.json", "fhir-r5.json", "card.json")}  # fmt: skip
    assert made == expected | {"index.html", "index.json", "numbers.csv", "itb-bayes-report.json"}
    assert CANARY not in done.stdout + done.stderr
    again = run_command("report", bundle, "--out", tmp_path / "out", "--patient", CANARY)
    assert again.code == 0, again.stderr
    assert "numbers.csv" not in {p.name for p in (tmp_path / "out").iterdir()}


def test_a_threshold_outside_100_is_refused(explained: Report, tmp_path: Path) -> None:
    bundle = save_regimes_fit(explained.fit, tmp_path / "fit")  # type: ignore[arg-type]
    done = run_command("report", bundle, "--out", tmp_path / "out", "--threshold", "100")
    assert done.code == 2
    assert "--threshold is a chance in 100" in done.stderr
