"""All rules across rows and tables, in the order in which they are reported."""

from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.rules.assessments import check_scores
from itb_bayes.cohort.rules.coverage import check_coverage
from itb_bayes.cohort.rules.doses import check_doses
from itb_bayes.cohort.rules.duplicates import check_duplicates
from itb_bayes.cohort.rules.events import check_events
from itb_bayes.cohort.rules.identity import check_identifiers, check_known_patients
from itb_bayes.cohort.rules.refills import check_volumes
from itb_bayes.cohort.rules.times import check_calendar, check_follow_up, check_record_times
from itb_bayes.cohort.timebasis import TimeBasis


def check_rules(
    tables: dict[str, RawTable], present: frozenset[str], basis: TimeBasis, log: ProblemLog
) -> None:
    """Apply every rule that needs more than one cell.

    Parameters
    ----------
    tables : dict of str to RawTable
        Typed tables on one clock; any of them may be missing.
    present : frozenset of str
        Names of the tables that are there, readable or not.
    basis : {"date", "t_years"}
        The cohort's clock: problems of time point at its column.
    log : ProblemLog
        Takes the problems found.
    """
    patients, events = tables.get("patients"), tables.get("events")
    doses = tables.get("doses")
    for table in tables.values():
        check_calendar(table, log)
    if patients is not None:
        check_identifiers(patients, log)
        check_follow_up(patients, basis, log)
    for name, table in tables.items():
        if name == "patients":
            continue
        if patients is not None:
            check_known_patients(table, patients, log)
        check_record_times(table, patients, events, basis, log)
        check_duplicates(table, basis, log)
    if events is not None:
        check_events(events, basis, log)
    if doses is not None:
        # Without readable events nobody knows of holidays: say nothing about zero doses.
        lost = "events" in present and (events is None or _has_no_times(events))
        check_doses(doses, events, not lost, basis, log)
    if "assessments" in tables:
        check_scores(tables["assessments"], log)
    if "refills" in tables:
        check_volumes(tables["refills"], log)
    if patients is not None:
        check_coverage(patients, doses, log)


def _has_no_times(events: RawTable) -> bool:
    return events.size > 0 and bool(events.column("t_years").isna().all())
