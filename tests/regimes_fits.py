"""A small cohort with every channel, and regimes fits made of draws around the priors' middle."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from drift_cases import FAILED, PASSED, tree_of, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference import bundle, regimes_store
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS
from itb_bayes.model.regimes_parameters import used_priors
from itb_bayes.model.regimes_plan import REVISION, RegimesPlan, plan_regimes
from itb_bayes.spec import RegimesSpec, load_model

IDS = ("R1", "R2", "R3", "R4", "R5", "R6")
VISITS = (9, 8, 9, 7, 8, 2)
"""The last patient has too few visits for numbers."""

EVENTS = (
    ("R1", 1.0, "trigger", "uti"),
    ("R2", 1.5, "dye_study", "positive"),
    ("R2", 1.5, "aspiration", "positive"),
    ("R2", 1.5, "rotor_study", "negative"),
    ("R2", 1.6, "catheter_fault_confirmed", ""),
    ("R3", 1.5, "tolerance_diagnosed", ""),
    ("R3", 1.75, "holiday_start", ""),
    ("R3", 1.8, "holiday_end", ""),
    ("R4", 1.25, "pump_fault_confirmed", ""),
    ("R5", 1.25, "disease_progression", "relapse"),
)


def regimes_tables(events=EVENTS) -> dict[str, str]:
    """Return the files of six patients of three diagnoses and two centres, a visit a quarter."""
    rng = np.random.default_rng(8)
    patients = ["patient_id,diagnosis,centre,catheter_model,t_last_seen"]
    doses = ["patient_id,t_years,daily_dose_ug"]
    scores = ["patient_id,t_years,scale,value"]
    refills = ["patient_id,t_years,expected_residual_ml,actual_residual_ml,reservoir_ml"]
    for i, (pid, n) in enumerate(zip(IDS, VISITS, strict=True)):
        centre, model = ("north", "south")[i % 2], ("older", "ascenda")[i > 1]
        patients.append(f"{pid},{('MS', 'SCI', 'HSP')[i % 3]},{centre},{model},3")
        scores.append(f"{pid},0,ashworth_0_4,{rng.uniform(2.0, 3.4):.2f}")
        dose = 120.0 + 20.0 * i
        for k in range(n):
            t = 0.25 * k
            dose *= 1.0 + (k % 2) * rng.uniform(0.02, 0.2)
            doses.append(f"{pid},{t:g},{dose:.1f}")
            if k:
                scores.append(f"{pid},{t:g},ashworth_0_4,{rng.uniform(0.5, 2.0):.2f}")
                scores.append(f"{pid},{t:g},penn,{int(rng.integers(0, 4))}")
                refills.append(f"{pid},{t:g},3,{rng.uniform(2.6, 4.0):.1f},20")
            if k % 4 == 0:
                scores.append(f"{pid},{t:g},edss,{6 + 0.5 * (k // 4)}")
    said = ["patient_id,t_years,event,detail", *(",".join(map(str, row)) for row in events)]
    files = {"patients": patients, "doses": doses, "assessments": scores, "refills": refills}
    texts = {f"{name}.csv": "\n".join(rows) + "\n" for name, rows in files.items()}
    if events:
        texts["events.csv"] = "\n".join(said) + "\n"
    return texts | {"cohort.toml": 'name = "small"\nsynthetic = true\n'}


def regimes_cohort(folder: Path, **tables: str | None) -> Cohort:
    """Return the small cohort, some of its tables replaced, or left out (None)."""
    texts: dict[str, str | None] = {**regimes_tables()}
    texts |= {f"{name}.csv": text for name, text in tables.items()}
    return Cohort.read(write_cohort(folder, {k: v for k, v in texts.items() if v is not None}))


@cache
def regimes_spec(name: str = "regimes") -> RegimesSpec:
    """Return a shipped regimes model."""
    spec = load_model(f"@{name}")
    assert isinstance(spec, RegimesSpec)
    return spec


def spec_of(centre: str = "auto", **channels: str) -> RegimesSpec:
    """Return the shipped model with other settings; its priors stay as they are."""
    spec = regimes_spec()
    settings = spec.channels.model_copy(update=channels)
    return spec.model_copy(
        update={"channels": settings, "centre": spec.centre.model_copy(update={"use": centre})}
    )


def regimes_posterior(
    spec: RegimesSpec,
    plan: RegimesPlan,
    chains: int = 2,
    draws: int = 30,
    seed: int = 6,
    width: float = 0.2,
) -> xr.Dataset:
    """Return draws of every sampled variable from the middle ``width`` of its prior."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, prior in spec.resolved_priors.items():
        if name not in used_priors(plan):
            continue
        dims: tuple[str, ...] = ()
        priors = [prior]
        if name in BY_DIAGNOSIS:
            dims, priors = ("diagnosis",), [prior.by.get(d, prior) for d in plan.diagnoses]
        elif name in BY_CENTRE and plan.centres:
            dims, priors = ("centre",), [prior] * len(plan.centres)
        values = np.array(
            [
                [p.quantile(0.5 + width * (u - 0.5)) for u in rng.random(chains * draws)]
                for p in priors
            ]
        ).T.reshape(chains, draws, len(priors))
        arrays[name] = (("chain", "draw", *dims), values if dims else values[:, :, 0])
    coords = {"chain": range(chains), "draw": range(draws), "diagnosis": list(plan.diagnoses)}
    if plan.centres:
        coords["centre"] = list(plan.centres)
    return xr.Dataset(arrays, coords)


def make_regimes_fit(
    plan: RegimesPlan, spec: RegimesSpec | None = None, *, passed: bool = True, **draws: float
) -> RegimesFit:
    """Return a regimes fit whose draws were made up."""
    spec = spec or regimes_spec()
    posterior = regimes_posterior(spec, plan, **draws)
    data = regimes_store.plan_digest(plan)
    manifest = {
        "model": spec.digest,
        "data": data,
        "run": hashlib.sha256(f"{spec.digest}{data}".encode()).hexdigest(),
        "model_name": spec.name,
        "model_version": spec.version,
        "model_revision": REVISION,
        "cohort": "small",
        "cohort_fingerprint": "0" * 64,
        "synthetic": True,
        "settings": {"chains": 2, "draws": 30, "tune": 0, "seed": 1},
        "versions": bundle.versions(),
        "command": [],
        "as_of": "the last record of each patient",
        "wall_seconds": 0.0,
        "gate_passed": passed,
        "n_set_aside": 0,
    }
    return RegimesFit(spec, plan, tree_of(posterior), PASSED if passed else FAILED, manifest)


def small_regimes_fit(folder: Path, *, passed: bool = True, **draws: float) -> RegimesFit:
    """Return a made-up fit of the small cohort, which is written to ``folder``."""
    plan = plan_regimes(regimes_spec(), regimes_cohort(folder))
    return make_regimes_fit(plan, passed=passed, **draws)


def save_regimes_fit(fit: RegimesFit, folder: Path) -> Path:
    """Write a fit as a sealed bundle, as sampling would have left it."""
    folder.mkdir(mode=0o700)
    bundle.write_json(folder / bundle.MODEL_FILE, fit.spec.canonical())
    regimes_store.write_plan(fit.plan, folder)
    regimes_store.write_set_aside(fit.plan, folder)
    bundle.write_tree(fit.draws, folder / bundle.DRAWS_FILE)
    criteria = [vars(criterion) for criterion in fit.gate.criteria]
    bundle.write_json(
        folder / bundle.DIAGNOSTICS_FILE, {"passed": fit.gate.passed, "criteria": criteria}
    )
    bundle.seal(folder, dict(fit.manifest))
    return folder
