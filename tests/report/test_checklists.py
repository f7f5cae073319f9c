"""Reporting checklists: complete, filled where software can, blank where only authors can."""

import json

import pytest

from drift_cases import run_command
from fits import make_fit, save_fit
from itb_bayes.report.checklist_facts import Evidence, facts_of
from itb_bayes.report.checklist_items import AUTHORS, AUTO, CARD, CHECKLISTS, TRIPOD
from itb_bayes.report.checklists import BLANK, answer, checklist_json, render_checklist
from regimes_fits import small_regimes_fit


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    return make_fit(), small_regimes_fit(tmp_path_factory.mktemp("r") / "cohort")


def test_tripod_has_its_27_items_and_52_parts():
    assert len(TRIPOD) == 52
    assert {int(item.number.rstrip("abcdefg")) for item in TRIPOD} == set(range(1, 28))
    assert len({item.number for item in TRIPOD}) == 52


def test_every_item_has_an_answer_or_is_the_authors(fits):
    for fit in fits:
        facts = facts_of(fit)
        for _, items in CHECKLISTS.values():
            for item in items:
                assert (item.by == AUTHORS) == (item.fact == "")
                assert answer(item, facts)
                assert (BLANK in answer(item, facts)) == (item.by != AUTO)


def test_what_only_authors_know_stays_blank(fits):
    facts = facts_of(fits[0])
    by_number = {item.number: item for item in TRIPOD}
    for number in ("14", "17", "18a", "18b", "19", "25"):
        assert answer(by_number[number], facts) == BLANK


def test_numbers_are_those_of_the_fit(fits):
    drift, regimes = fits
    facts = facts_of(drift)
    assert facts["sizes"].startswith(f"{drift.plan.n_patient} patients (")
    assert "SYNTHETIC" in facts["sizes"]
    assert "gate passed" in facts["gate"]
    assert "refills" in facts_of(regimes)["predictors"]
    assert "gate NOT PASSED" in facts_of(make_fit(passed=False))["gate"]


def test_results_that_are_not_given_are_not_made_up(fits):
    facts = facts_of(fits[0])
    assert facts["performance"].startswith("external validation: none")
    assert "not given" in facts["checks"]
    content = {
        "title": "Evaluation of model x",
        "checks": [
            {"verdict": "pass", "name": "coverage", "summary": "90 % hold 91 %."},
            {"verdict": "FAIL", "name": "pit-last", "summary": "leaves the band"},
        ],
    }
    evidence = Evidence.of(content)
    told = facts_of(fits[0], evidence, evidence)
    assert "pass coverage: 90 % hold 91 %." in told["performance"]
    assert told["checks"] == "FAIL pit-last: leaves the band"
    assert told["sensitivity"] == "not part of these checks"


def test_markdown_has_one_row_per_item(fits):
    facts = facts_of(fits[1])
    for name, (title, items) in CHECKLISTS.items():
        text = render_checklist(name, facts | {"model": "a | b\nc"}, "heading")
        assert text.startswith(f"# {title}\n")
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert len(rows) == len(items) + 1
        assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_json_says_what_is_complete(fits):
    found = checklist_json("card", facts_of(fits[0]))
    assert len(found["items"]) == len(CARD)
    for item in found["items"]:
        assert item["complete"] == (item["by"] == AUTO)
        assert (item["answer"] == "") == (item["by"] == AUTHORS)


def test_no_patient_is_named(fits):
    for fit in fits:
        ids = fit.plan.series.patient_ids if hasattr(fit.plan, "series") else fit.plan.patient_ids
        text = " ".join(facts_of(fit).values())
        assert not any(f" {pid} " in text or f"'{pid}'" in text for pid in ids)


def test_the_command_prints_all_or_one(tmp_path):
    folder = save_fit(make_fit(), tmp_path / "fit")
    done = run_command("checklist", folder)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.count("\n# ") == 2
    assert "SYNTHETIC DATA" in done.stdout
    one = run_command("checklist", folder, "--which", "tripod").stdout
    assert one.startswith("# TRIPOD+AI")
    content = json.loads(run_command("checklist", folder, "--json").stdout)
    assert {"barg", "tripod", "card"} <= set(content)


def test_checks_beside_the_fit_are_found(tmp_path):
    folder = save_fit(make_fit(), tmp_path / "fit")
    (tmp_path / "fit-checks").mkdir()
    content = {
        "title": "t", "checks": [{"verdict": "pass", "name": "pit-x", "summary": "fine"}],
    }  # fmt: skip
    (tmp_path / "fit-checks/checks.json").write_text(json.dumps(content))
    assert "pass pit-x: fine" in run_command("checklist", folder).stdout


def test_what_a_user_can_get_wrong(tmp_path):
    folder = save_fit(make_fit(), tmp_path / "fit")
    done = run_command("checklist", folder, "--which", "strobe")
    assert (done.code, "choose one of barg, tripod, card, all" in done.stderr) == (2, True)
    done = run_command("checklist", folder, "--evaluation", tmp_path)
    assert (done.code, "is not what `itb-bayes evaluate` writes" in done.stderr) == (2, True)
    done = run_command("checklist", folder, "--checks", tmp_path)
    assert (done.code, "is not what `itb-bayes check` writes" in done.stderr) == (2, True)
