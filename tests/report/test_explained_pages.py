"""Pages of regimes fits: what they say, and what they do not."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from explained_cases import DIAGNOSES, IDS, LIMITED, ODD, OUTSIDE, SHORT, STALE
from page_reader import BANNED, Page, check_self_contained
from report_cases import CANARY, HOSTILE, Report, read_report

from drift_cases import run_command
from itb_bayes.errors import GateError
from itb_bayes.figures.style import chart_style
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.report.charts import ChartRoom
from itb_bayes.report.explained_sentences import known_words, step_lines
from itb_bayes.report.frame import MIN_CELL
from itb_bayes.report.html import Charts, index_page, patient_page
from itb_bayes.report.list_words import chosen_threshold, comparison
from itb_bayes.report.wording import count_in_100, in_100, said_count
from itb_bayes.report.writing import write_report
from regimes_fits import save_regimes_fit, small_regimes_fit

WITHOUT = ODD[:3]


def test_pages_are_whole_small_and_keep_to_the_words_allowed(explained: Report) -> None:
    assert len(explained.pages) == len(IDS) + 1
    for name, text in explained.pages.items():
        check_self_contained(name, text)
        page = Page(text)
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids))
        assert len(text.encode()) < 120_000
        assert not BANNED.findall(page.words), name
        assert "Research use only. Not a medical device." in page.words
        assert "follow the local emergency pathway now" in page.words
        assert "SYNTHETIC DATA" in page.words


def test_pages_are_drawn_from_the_documents_alone(explained: Report) -> None:
    document = explained.documents[CANARY]
    with chart_style():
        room = ChartRoom()
        charts = Charts(room.trajectory(document), room.dotplot(document))
    assert patient_page(document, charts) == explained.html(CANARY)
    assert index_page(explained.index) == explained.pages["index.html"]


def test_explanations_are_ordered_and_add_to_100(explained: Report) -> None:
    for patient_id in set(IDS) - set(WITHOUT):
        items = explained.documents[patient_id].explanations.items
        chances = [item.probability for item in items]
        assert chances == sorted(chances, reverse=True)
        assert sum(item.count for item in items) == 100
        text = explained.html(patient_id)
        rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="n big">(.*?)</td>', text)
        assert rows == [(i.name, said_count(i.probability, i.count)) for i in items]
        assert text.index(items[0].name) < text.index(items[1].name)


def test_every_chance_names_its_date_horizon_and_group(explained: Report) -> None:
    words = Page(explained.html(CANARY)).words
    n = sum(d == "MS" and i not in WITHOUT for i, d in zip(IDS, DIAGNOSES, strict=True))
    assert "Explanations to consider, as of 2 years 3 months after implant" in words
    assert "Present now, in 100" in words
    assert "New within 12 months, in 100" in words
    assert re.search(
        r"As of 2 years 3 months after implant, given everything recorded until then: [\w ]+ in "
        r"100 that the explanation present now is “[^”]+” and [\w ]+ in 100 that it is “[^”]+”; "
        rf"among the {n} MS patients of the fit, each as of their last record",
        words,
    )
    assert re.search(
        r"[\w ]+ in 100 that the dose 12 months after 2 years 3 months after implant is more than "
        r"100 µg/day above the last one \([\w ]+ across plausible model settings\); [\w ]+ in "
        rf"100 of the yearly comparisons of the {n} MS patients of the fit did",
        words,
    )


def test_present_and_within_are_never_one(explained: Report) -> None:
    document = explained.documents[CANARY]
    assert document.explanations.quantity == "present"
    assert document.explanations.exclusive
    within = [risk for risk in document.risks_ahead if risk.quantity == "within"]
    assert {risk.horizon_months for risk in within} == {12.0}
    assert len(within) == 6
    assert [risk.quantity for risk in document.risks_ahead[6:]] == ["at"]
    text = explained.html(CANARY)
    for risk in within:
        assert f'<td class="n">{in_100(risk.probability).removesuffix(" in 100")}</td>' in text


@pytest.mark.parametrize(
    ("patient_id", "why"),
    [
        (SHORT, "only 1 visit with a reading of tone or a dose; 3 are needed"),
        (STALE, "the last reading of tone or dose is 18 months older than the end of the record"),
        (OUTSIDE, "the dose in force lies outside 10 to 2000 µg/day, the range of the model"),
    ],
)
def test_a_record_that_supports_no_numbers_gets_none(
    explained: Report, patient_id: str, why: str
) -> None:
    document = explained.documents[patient_id]
    assert document.quality.status == "not estimated"
    assert (document.explanations, document.forecasts, document.risks_ahead) == (None, (), ())
    assert (document.evidence, document.next_steps, document.group) == ((), (), None)
    words = Page(explained.html(patient_id)).words
    assert "No numbers are estimated for this patient" in words
    assert why in words
    assert " in 100" not in words
    assert "times more" not in words
    row = next(r for r in explained.index.patients if r.patient_id == patient_id)
    assert (row.chance, row.leading, row.risk) == (None, None, None)
    assert f"not estimated: {why}" in Page(explained.pages["index.html"]).words


def test_a_limited_record_says_so_and_keeps_its_numbers(explained: Report) -> None:
    document = explained.documents[LIMITED]
    assert document.quality.status == "limited"
    words = Page(explained.html(LIMITED)).words
    assert "Limited record: 4 visits with a reading: the numbers lean on other patients" in words
    assert " in 100" in words


def test_small_groups_are_compared_with_everybody(explained: Report) -> None:
    n_cp = DIAGNOSES.count("CP")
    assert 0 < n_cp < MIN_CELL
    few = explained.documents[IDS[DIAGNOSES.index("CP")]]
    assert few.group.n_fitted is None
    assert few.group.centiles_of == f"patients like the {len(IDS) - 3} patients of the fit"
    assert few.explanations.group == f"all {len(IDS) - 3} patients of the fit"
    groups = {row.diagnosis: row.n_fitted for row in explained.index.groups}
    assert groups["CP"] is None
    assert sorted(n is None for n in groups.values()) == [False, True, True]


def test_index_lists_whom_to_look_at_first_on_top(explained: Report) -> None:
    rows = explained.index.patients
    chances = [row.chance for row in rows if row.chance is not None]
    assert chances == sorted(chances, reverse=True)
    assert {row.patient_id for row in rows[-3:]} == set(WITHOUT)
    for row in rows[:-3]:
        items = explained.documents[row.patient_id].explanations.items
        assert row.count == 100 - next(i.count for i in items if i.explanation == "none")
        assert row.leading.name == next(i.name for i in items if i.explanation != "none")


def test_an_explanation_less_probable_than_none_stands_in_brackets(explained: Report) -> None:
    html = explained.pages["index.html"]
    for row in explained.index.patients:
        if row.leading is None:
            continue
        own = html.split(f'href="{row.page_id}.html"')[1].split("</tr>")[0]
        name = row.leading.name
        first = row.leading.count > row.leading.none_count
        assert (f"<td>{name}</td>" in own, f"<td>({name})</td>" in own) == (first, not first)


def test_the_list_says_what_its_chances_are_beside_and_whom_to_look_at(explained: Report) -> None:
    html = explained.pages["index.html"]
    words = Page(html).words
    told = [row for row in explained.index.patients if row.chance is not None]
    chance = in_100(sum(row.chance for row in told) / len(told))
    rise = in_100(sum(row.risk.probability for row in told) / len(told))
    assert (
        f"the mean over the {len(told)} listed patients with numbers: to explain {chance}, "
        f"rise {rise}."
    ) in words
    (chosen,) = (row for row in explained.index.workload if row.chosen)
    assert html.count('<tr class="look"') == chosen.n_flagged
    assert f"To look at, from {in_100(chosen.threshold)} {chosen.n_flagged} " in words
    few = replace(explained.index, patients=explained.index.patients[:10], workload=())
    assert comparison(few) == "What similar patients have stands on each page."
    assert chosen_threshold(few) == math.inf


def test_workload_counts_the_list(explained: Report) -> None:
    chances = [row.chance for row in explained.index.patients if row.chance is not None]
    chosen = [row for row in explained.index.workload if row.chosen]
    assert [row.threshold for row in chosen] == [0.2]
    for row in explained.index.workload:
        assert row.n_flagged == sum(p >= row.threshold for p in chances)
        total = row.expected_true + row.expected_missed
        assert total == pytest.approx(sum(chances), rel=1e-4)
    assert f"{in_100(0.2)} (chosen)" in Page(explained.pages["index.html"]).words


def test_hostile_identifiers_stay_text(explained: Report) -> None:
    for patient_id in HOSTILE:
        words = Page(explained.html(patient_id)).words
        assert not re.search("[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200f]", words)
        assert re.sub(r"\s+", " ", explained.documents[patient_id].label) in words
    names = [p.name.lower() for p in explained.folder.iterdir()]
    assert len(names) == len(set(names)) == 2 * len(IDS) + 3
    holders = {name for name, text in explained.pages.items() if CANARY in text}
    assert holders == {"index.html", f"{explained.documents[CANARY].page_id}.html"}


def test_evidence_of_both_sides_is_told_strongest_first(explained: Report) -> None:
    found = [d for d in explained.documents.values() if d.evidence]
    assert len(found) > 15
    for document in found:
        sizes = [abs(e.log_ratio) for e in document.evidence]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) <= 5
        leading = next(i for i in document.explanations.items if i.explanation != "none")
        assert {e.explanation for e in document.evidence} == {leading.explanation}
        words = Page(explained.html(document.patient_id)).words
        assert words.count(" more likely): ") == sum(e.log_ratio > 0 for e in document.evidence)
        assert words.count(" less likely): ") == sum(e.log_ratio < 0 for e in document.evidence)


def test_next_steps_are_weighed_for_the_leading_explanation(explained: Report) -> None:
    document = explained.documents[CANARY]
    worth = [step.worth_bits for step in document.next_steps]
    assert worth == sorted(worth, reverse=True)
    leading = next(i for i in document.explanations.items if i.explanation != "none")
    for step in document.next_steps:
        total = sum(o.probability * o.after for o in step.outcomes)
        assert total == pytest.approx(leading.probability, abs=2e-4)
        assert sum(o.probability for o in step.outcomes) == pytest.approx(1.0, abs=1e-4)


def test_a_test_that_changes_nothing_is_not_among_what_would_change_the_answer(
    explained: Report,
) -> None:
    document = explained.documents[CANARY]
    first = document.next_steps[0]
    idle = replace(first, outcomes=tuple(replace(o, after=0.0612) for o in first.outcomes))
    telling = replace(
        first, name="trial", outcomes=(replace(first.outcomes[0], after=0.9), *idle.outcomes[1:])
    )
    (line,) = step_lines(replace(document, next_steps=(idle, telling)))
    assert line.startswith("trial, for ")
    (line,) = step_lines(replace(document, next_steps=(idle,)))
    assert line.startswith("No test that is weighed would change the chance of “")
    assert step_lines(replace(document, next_steps=())) == []


def test_values_used_are_all_listed(explained: Report) -> None:
    fit = explained.fit
    assert isinstance(fit, RegimesFit)
    i = IDS.index(CANARY)
    document = explained.documents[CANARY]
    assert len(document.visits) == fit.plan.offsets[i + 1] - fit.plan.offsets[i]
    assert document.visits[-1].dose_ug == document.inputs.dose_ug[-1]
    known = {k.channel: k.n_records for k in document.known}
    assert known["Ashworth scores"] == sum(v.ashworth is not None for v in document.visits)
    assert f"Ashworth scores {known['Ashworth scores']}, last at " in known_words(document)
    marked = explained.documents[IDS[3]]
    assert [event.words for event in marked.events] == ["dye study negative"]
    assert "1 dye study negative (1 year)." in Page(explained.html(IDS[3])).words


def test_group_means_are_means_of_pages(explained: Report) -> None:
    own = [
        d.explanations.items
        for d in explained.documents.values()
        if d.diagnosis == "MS" and d.explanations is not None
    ]
    assert len(own) >= MIN_CELL
    mean = sum(next(i.probability for i in items if i.explanation == "none") for items in own)
    told = next(
        i for i in explained.documents[CANARY].explanations.items if i.explanation == "none"
    )
    assert told.group_share == pytest.approx(mean / len(own), rel=1e-4)
    assert count_in_100(told.group_share) <= 100


def test_the_same_fit_gives_the_same_bytes(explained: Report, tmp_path: Path) -> None:
    some = (CANARY, SHORT)
    write_report(explained.fit, tmp_path / "out", some)
    for patient_id in some:
        for kind in ("html", "json"):
            name = f"{explained.documents[patient_id].page_id}.{kind}"
            assert (tmp_path / "out" / name).read_bytes() == (explained.folder / name).read_bytes()


def test_changes_since_an_earlier_report_are_told(explained: Report, tmp_path: Path) -> None:
    write_report(explained.fit, tmp_path / "out", (CANARY, SHORT), since=explained.folder)
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Was: the same chance in the earlier report (run " in index
    page = (tmp_path / "out" / f"{explained.documents[CANARY].page_id}.html").read_text("utf-8")
    assert page.count("about the same (") == 6
    assert "Last report" in page
    assert "about the same" not in explained.html(CANARY)


def test_a_fit_of_few_patients_compares_with_nobody(tmp_path: Path) -> None:
    bundle = save_regimes_fit(small_regimes_fit(tmp_path / "small"), tmp_path / "fit")
    done = run_command("report", bundle, "--out", tmp_path / "pages")
    assert done.code == 0, done.stderr
    assert "6 patients, 1 not estimated" in done.stdout
    assert "pages: done in" in done.stderr
    made = read_report(load_fit(bundle), tmp_path / "pages")
    document = made.documents["R1"]
    assert document.group.centiles is None
    assert {item.group_share for item in document.explanations.items} == {None}
    words = Page(made.html("R1")).words
    assert "Dose history, and the next 12 months" in words
    assert "no rate is given for the patients of the fit (fewer than 11)" in words
    assert {row.n_fitted for row in made.index.groups} == {None}


def test_a_fit_that_failed_its_gate_is_refused_or_marked(tmp_path: Path) -> None:
    fit = small_regimes_fit(tmp_path / "small", passed=False)
    with pytest.raises(GateError, match="did not pass"):
        write_report(fit, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    write_report(fit, tmp_path / "out", allow_unconverged=True)
    for path in (tmp_path / "out").glob("*.html"):
        words = Page(path.read_text(encoding="utf-8")).words
        assert "NOT CONVERGED" in words
        assert "these numbers are not to be used" in words


def test_a_model_that_reads_no_doses_forecasts_none(
    explaining_fit: RegimesFit, tmp_path: Path
) -> None:
    plan = replace(explaining_fit.plan, channels=("ashworth", "refills"))
    mute = RegimesFit(
        explaining_fit.spec, plan, explaining_fit.draws, explaining_fit.gate,
        explaining_fit.manifest,
    )  # fmt: skip
    write_report(mute, tmp_path / "out", (CANARY,))
    made = read_report(mute, tmp_path / "out")
    document = made.documents[CANARY]
    assert document.forecasts == ()
    assert document.group.centiles is None
    assert document.explanations is not None
    assert {risk.quantity for risk in document.risks_ahead} == {"within"}
    words = Page(made.html(CANARY)).words
    assert "Where the dose is likely to be" not in words
    assert "Explanations to consider" in words
    assert made.index.patients[0].risk is None
