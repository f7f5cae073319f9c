import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from report_cases import CANARY, DIAGNOSES, IDS, SHORT, Report

from fits import make_fit, make_plan
from itb_bayes.figures.style import chart_style
from itb_bayes.report.assembly import Assembly
from itb_bayes.report.charts import ChartRoom
from itb_bayes.report.document import patient_from_json, to_json
from itb_bayes.report.frame import HORIZONS_MONTHS, MIN_CELL, axis_end
from itb_bayes.report.html import Charts, index_page, patient_page
from itb_bayes.report.naming import label_of, page_id, page_key
from itb_bayes.report.sentences import rise_sentence, rule_sentence, rule_verdict
from itb_bayes.report.wording import in_100, signed_percent
from itb_bayes.risk.patient import summarise_patients


def test_documents_survive_json(report: Report) -> None:
    for document in report.documents.values():
        text = to_json(document)
        assert text.isascii()
        assert patient_from_json(text) == document
    assert {d.schema_version for d in report.documents.values()} == {"2"}


def test_pages_are_drawn_from_the_documents_alone(report: Report) -> None:
    document = report.documents["P1"]
    with chart_style():
        room = ChartRoom()
        charts = Charts(room.trajectory(document), room.dotplot(document))
    assert patient_page(document, charts) == report.html("P1")
    assert index_page(report.index) == report.pages["index.html"]


def test_numbers_are_those_of_the_summaries(report: Report) -> None:
    for summary in summarise_patients(report.fit, HORIZONS_MONTHS):
        document = report.documents[summary.patient_id]
        if not summary.forecasts:
            assert summary.patient_id == SHORT
            continue
        risk, p = document.risks_ahead[0], summary.forecasts[-1].p_rise
        assert (risk.horizon_months, risk.threshold_ug) == (12.0, 100.0)
        assert risk.probability == pytest.approx(p.value, rel=1e-5)
        assert (risk.low, risk.high) == pytest.approx((p.low, p.high), rel=1e-5)
        drift = document.drift
        assert drift is not None
        assert drift.percent_per_year.median == pytest.approx(
            summary.drift_percent.median, rel=1e-5
        )
        page = report.html(summary.patient_id)
        assert f'<p class="big">{in_100(risk.probability)}</p>' in page
        assert f'<p class="big">{signed_percent(drift.percent_per_year.median)} % per year' in page


def test_provenance_names_the_fit_and_not_its_secrets(report: Report) -> None:
    provenance = report.index.provenance
    manifest = report.fit.manifest
    assert provenance.run_id == manifest["run"][:12]
    assert provenance.cohort == "<b>cohort</b>"
    assert provenance.synthetic
    for path in report.folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert manifest["run"] not in text
        assert manifest["data"] not in text


def test_small_groups_are_not_described_by_numbers(report: Report) -> None:
    n_cp = DIAGNOSES.count("CP")
    assert 0 < n_cp < MIN_CELL
    few = report.documents[IDS[DIAGNOSES.index("CP")]]
    assert few.group is not None
    assert few.group.n_fitted is None
    assert few.comparators.base_group == f"all {len(IDS)} fitted patients"
    assert any("Fewer than 11 patients of this diagnosis" in line for line in few.limits)
    page = report.html(few.patient_id)
    assert "fewer than 11 CP patients fitted" in page
    assert not re.search(rf"\b{n_cp} (fitted )?CP patients", page)
    many = report.documents[CANARY]
    assert many.group is not None
    assert many.group.n_fitted == DIAGNOSES.count("MS")


def test_no_base_rate_where_all_are_few() -> None:
    fit = make_fit(make_plan(tuple("ABCD")))
    assembly = Assembly(fit, summarise_patients(fit, HORIZONS_MONTHS))
    document = assembly.patient(assembly.summaries[0])
    assert document.comparators.base_rate is None
    assert "no rate is given for the fitted patients (fewer than 11)" in rise_sentence(document)


def test_covariates_are_named_among_the_limits() -> None:
    plan = make_plan(covariates=("sex=F", "age_at_implant per 10 years"))
    fit = make_fit(plan)
    assembly = Assembly(fit, summarise_patients(fit, HORIZONS_MONTHS))
    document = assembly.patient(assembly.summaries[0])
    assert any("reference values of age_at_implant, sex" in line for line in document.limits)


def test_index_without_both_diagnoses_has_no_contrast() -> None:
    fit = make_fit(make_plan(tuple("ABC"), ("MS", "MS", "CP")))
    assembly = Assembly(fit, summarise_patients(fit, HORIZONS_MONTHS))
    index = assembly.index([assembly.patient(s) for s in assembly.summaries])
    assert index.contrast is None
    assert "MS − SCI" not in index_page(index)
    assert [row.diagnosis for row in index.groups] == ["CP", "MS"]


def test_rule_verdicts(report: Report) -> None:
    comparators = report.documents["P1"].comparators
    said = {True: "flagged", False: "not flagged", None: "no verdict"}
    for flagged, words in said.items():
        assert rule_verdict(replace(comparators, rule_flagged=flagged)) == words
    short = replace(comparators, rule_flagged=None, last_year_rise_ug=None)
    assert rule_verdict(short) == "no verdict"
    assert "no two doses a year apart" in rule_sentence(short)
    rise = summarise_patients(report.fit, (12.0,))[IDS.index("P1")].last_year_rise_ug
    assert comparators.rule_flagged == (rise > 100.0)


@pytest.mark.parametrize(("as_of", "end"), [(0.5, 5.0), (4.0, 5.0), (4.01, 10.0), (10.3, 15.0)])
def test_time_axes_end_on_five_years_after_the_forecast(as_of: float, end: float) -> None:
    assert axis_end(as_of) == end


def test_centiles_end_with_the_axis(report: Report) -> None:
    for document in report.documents.values():
        if document.group is not None:
            centiles = document.group.centiles
            assert centiles.t_years[-1] == axis_end(document.as_of_years)
            dose = np.array(centiles.dose_ug)
            assert dose.shape == (5, len(centiles.t_years))
            assert (np.diff(dose, axis=0) > 0).all()


def test_page_names_are_keyed_by_the_bundle() -> None:
    manifest = make_fit().manifest
    key = page_key(manifest)
    name = page_id("P1", key)
    assert re.fullmatch(r"pt-[0-9a-f]{16}", name)
    assert name == page_id("P1", key)
    assert len({page_id(p, key) for p in ("P1", "p1", "P1 ", "Café", "Cafe\u0301", "\ud800")}) == 6
    for changed in ("run", "data"):
        assert page_id("P1", page_key({**manifest, changed: "0" * 64})) != name


def test_labels_show_what_can_be_shown() -> None:
    assert label_of("SK 001") == "SK 001"
    assert label_of("a\x00b\u202ec") == "abc (not shown in full)"
    assert label_of("y" * 500) == f"{'y' * 60}… (not shown in full)"


def test_documents_hold_plain_values_only(report: Report) -> None:
    def check(value: object) -> None:
        if isinstance(value, dict):
            for item in value.values():
                check(item)
        elif isinstance(value, (tuple, list)):
            for item in value:
                check(item)
        else:
            assert value is None or type(value) in (str, int, float, bool)

    for document in report.documents.values():
        check(asdict(document))
