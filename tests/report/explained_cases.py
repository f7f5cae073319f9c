"""Regimes fits of patients with hostile identifiers and records of every quality."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from report_cases import CANARY, HOSTILE

from drift_cases import write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.regimes_plan import plan_regimes
from regimes_fits import make_regimes_fit, regimes_spec

SHORT, STALE, OUTSIDE, LIMITED = "short-record", "stale-record", "outside-dose", "limited-record"
ODD = (SHORT, STALE, OUTSIDE, LIMITED)
"""The first three get no numbers."""

IDS = (*HOSTILE, *ODD, CANARY, *(f"Q{k:02d}" for k in range(11)))
DIAGNOSES = tuple("CP" if k % 9 == 8 else ("MS", "SCI")[k % 2] for k in range(len(IDS)))
EVENTS = (
    (2, 0.75, "trigger", "uti"),
    (3, 1.0, "dye_study", "negative"),
    (4, 1.0, "catheter_fault_confirmed", ""),
    (5, 1.0, "tolerance_diagnosed", ""),
    (6, 1.25, "pump_fault_confirmed", ""),
    (7, 1.0, "disease_progression", ""),
)


def explained_tables() -> dict[str, str]:
    """Return the files of a cohort: quarterly visits over two years, one row per patient number."""
    rng = np.random.default_rng(21)
    patients = ["patient_id,diagnosis,t_last_seen"]
    doses = ["patient_id,t_years,daily_dose_ug"]
    scores = ["patient_id,t_years,scale,value"]
    refills = ["patient_id,t_years,expected_residual_ml,actual_residual_ml,reservoir_ml"]
    for i, (name, diagnosis) in enumerate(zip(IDS, DIAGNOSES, strict=True)):
        pid = f"N{i:02d}"
        n = {SHORT: 2, LIMITED: 5}.get(name, 10)
        patients.append(f"{pid},{diagnosis},4")
        scores.append(f"{pid},0,ashworth_0_4,{rng.uniform(2.0, 3.4):.2f}")
        dose = 2400.0 if name == OUTSIDE else rng.uniform(60.0, 300.0)
        for k in range(n):
            t = 0.25 * k
            dose *= 1.0 + (k % 2) * rng.uniform(0.0, 0.2) * (name != OUTSIDE)
            doses.append(f"{pid},{t:g},{dose:.1f}")
            if k:
                scores.append(f"{pid},{t:g},ashworth_0_4,{rng.uniform(0.5, 2.0):.2f}")
                refills.append(f"{pid},{t:g},3,{rng.uniform(2.6, 4.0):.1f},20")
            if k % 4 == 0:
                scores.append(f"{pid},{t:g},edss,{6 + 0.5 * (k // 4)}")
        if name == STALE:
            refills.append(f"{pid},3.75,3,3.2,20")
    said = ["patient_id,t_years,event,detail"]
    said += [f"N{i:02d},{t},{event},{detail}" for i, t, event, detail in EVENTS]
    files = {"patients": patients, "doses": doses, "assessments": scores, "refills": refills}
    texts = {
        f"{name}.csv": "\n".join(rows) + "\n" for name, rows in (files | {"events": said}).items()
    }
    return texts | {"cohort.toml": 'name = "made-up"\nsynthetic = true\n'}


def explained_fit(folder: Path, *, passed: bool = True) -> RegimesFit:
    """Return a regimes fit of those patients; its draws were made up."""
    cohort = Cohort.read(write_cohort(folder, explained_tables()))
    plan = plan_regimes(regimes_spec(), cohort)
    assert len(plan.patient_ids) == len(IDS)
    return make_regimes_fit(replace(plan, patient_ids=IDS), passed=passed, draws=20)
