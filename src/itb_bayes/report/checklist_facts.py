"""What a fit can say for a reporting checklist; nothing that only its authors can know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from itb_bayes import __version__
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.report.limits import DOSE_ONLY

NOT_FOR = (
    "a diagnosis; dose changes or programming of a pump; withdrawal or overdose (follow the local "
    "emergency pathway); patients or carers as readers; cohorts unlike the fitted one"
)
HOW_TO_USE = (
    "`itb-bayes check` first; then `risk`, `score` or `report`. Each number names its as-of date; "
    "the numbers hold until the next record"
)
REGIMES_LIMITS = (
    "without neurological scores or the outcome of a holiday, the split between tolerance and "
    "progression is the priors'; a device fault together with a change of the requirement is told "
    "as the fault alone; calibration outside the fitted mechanism is shown in the documentation"
)


@dataclass(frozen=True)
class Evidence:
    """Results of checks or of an evaluation that were written beside a fit.

    Attributes
    ----------
    title : str
    lines : tuple of str
        Verdict, name and summary of every check.
    names : tuple of str
    """

    title: str
    lines: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Evidence":
        """Read the JSON that the checks page writes."""
        checks: Sequence[Mapping[str, Any]] = content["checks"]
        return cls(
            str(content["title"]),
            tuple(f"{c['verdict']} {c['name']}: {c['summary']}" for c in checks),
            tuple(str(c["name"]) for c in checks),
        )

    def about(self, *parts: str) -> str:
        """Return the lines of checks whose name contains one of ``parts``."""
        chosen = [
            line
            for name, line in zip(self.names, self.lines, strict=True)
            if any(part in name for part in parts)
        ]
        return "; ".join(chosen)


def facts_of(
    fit: Fit | RegimesFit, checks: Evidence | None = None, evaluation: Evidence | None = None
) -> dict[str, str]:
    """Return the answers that software can give, by their key; empty where it cannot.

    Parameters
    ----------
    fit : Fit or RegimesFit
        Its gate need not have passed; the answers say so.
    checks, evaluation : Evidence, optional
        Of this fit, and of its model.
    """
    manifest, plan, spec = fit.manifest, fit.plan, fit.spec
    return {
        **_data_facts(fit),
        **_model_facts(fit),
        **_evidence_facts(checks, evaluation),
        "name": f"{spec.name} {spec.version}: {spec.title}",
        "release": f"itb-bayes {__version__}, model {spec.version}, run {fit.run_id}",
        "software": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
        "command": (
            f"{' '.join(manifest['command']) or 'command not recorded'}; seed "
            f"{manifest['settings']['seed']}; data {str(manifest['data'])[:12]}, model "
            f"{str(manifest['model'])[:12]}, run {fit.run_id}"
        ),
        "code": f"open source, itb-bayes {__version__} (Apache-2.0); CITATION.cff",
        "clusters": (
            f"centre effects: {', '.join(plan.centres)}" if plan.centres else "no centre effects"
        ),
        "how_to_use": HOW_TO_USE,
        "not_for": NOT_FOR,
    }


def _data_facts(fit: Fit | RegimesFit) -> dict[str, str]:
    manifest, plan = fit.manifest, fit.plan
    counts = [
        f"{int((plan.diagnosis_index == d).sum())} {name}" for d, name in enumerate(plan.diagnoses)
    ]
    if isinstance(fit, Fit):
        what, t, offsets = "dose readings", fit.plan.series.t_years, fit.plan.series.offsets
    else:
        what, t, offsets = "days of record", fit.plan.t_years, fit.plan.offsets
    years = t[offsets[1:] - 1]
    aside = int(manifest["n_set_aside"])
    said = " SYNTHETIC: the patients are simulated." if fit.synthetic else ""
    follow_up = (
        f"follow-up to {np.median(years):.1f} years after implant (median; range {years.min():.1f} "
        f"to {years.max():.1f}); as of {manifest.get('as_of', 'the last record')}"
    )
    people = f"{plan.n_patient} patients ({', '.join(counts)})"
    return {
        "follow_up": f"{follow_up}.{said}",
        "set_aside": f"{aside} readings or patients set aside by the import (set_aside.csv)",
        "doses": "daily dose of intrathecal baclofen, µg/day, as programmed",
        "preparation": "data contract 1, checked in one pass; " + "; ".join(plan.notes),
        "sizes": f"{people}, {t.size} {what}.{said}",
        "flow": f"{people} modelled; {aside} readings or patients set aside",
        "characteristics": f"{people}; {follow_up}.{said}",
        "missing": (
            "a channel that is absent at a visit contributes nothing; nothing is imputed"
            if isinstance(fit, RegimesFit)
            else "dose in force between records; nothing is imputed"
        ),
        "poor_input": (
            "the import stops at ambiguous units, unknown columns and impossible values, and names "
            "file, row and mend; patients with too few readings get a status, no number"
        ),
    }


def _model_facts(fit: Fit | RegimesFit) -> dict[str, str]:
    spec, settings = fit.spec, fit.manifest["settings"]
    sampler = (
        f"NUTS, {settings['chains']} chains of {settings['draws']} draws after {settings['tune']}"
    )
    gate = "; ".join(f"{c.name} {c.worst:.4g} ({c.limit})" for c in fit.gate.criteria)
    verdict = "passed" if fit.gate.passed else "NOT PASSED, no number of this fit is to be used"
    priors = spec.resolved_priors
    common = {
        "specification": f"`itb-bayes model explain` of digest {spec.digest[:12]}: equations, "
        f"terms and {len(priors)} priors; posterior draws in the fit",
        "priors": f"{len(priors)} priors, each with source and reason in the model file",
        "gate": f"gate {verdict}: {gate}",
        "intervals": "medians and equal-tailed intervals of 90 % of the posterior",
        "bayes_factors": "none used",
        "imbalance": "none used",
        "updating": "none: a later fit replaces this one",
        "computed": "filtered or conditional on the patient's own records up to the as-of date, "
        "population parameters integrated out",
        "measures": "coverage, CRPS, Brier, IPA, AUC, ICI/E50/E90 beside their range under perfect "
        "calibration, net benefit, alarms at matched false-alarm rates (`itb-bayes evaluate`)",
    }
    if isinstance(fit, Fit):
        return common | {
            "model": f"hierarchical model of log doses; {sampler}; patient effects integrated out "
            f"exactly; terms: {'; '.join(fit.plan.notes)}",
            "approximation": "none: Markov chain Monte Carlo, patients' conditionals exact",
            "outcome": "daily dose at a horizon; a rise of more than 100 µg/day within a year",
            "predictors": "earlier doses and their times, diagnosis"
            + _named(fit.plan.level_covariates.names + fit.plan.drift_covariates.names),
            "output": "forecast doses as quantiles; P(rise of more than 100 µg/day within a year); "
            "drift by diagnosis. No threshold is set",
            "limits": " ".join(DOSE_ONLY),
        }
    return common | {
        "model": f"Markov-switching state-space model of doses, tone and device; {sampler}; "
        "regimes and requirements integrated out by a switching filter; channels: "
        + ", ".join(fit.plan.channels),
        "approximation": "each regime is collapsed to one Gaussian; checked against a particle "
        "filter (documentation, collapse error) and by calibration",
        "outcome": "tolerance, progression, trigger, catheter fault, pump fault: present at the "
        "as-of date, and onset within a horizon, as two quantities",
        "predictors": "diagnosis, centre, catheter model; channels: "
        + ", ".join(fit.plan.channels),
        "output": "probabilities of the explanations of a rising dose, exclusive and summing to "
        "one, now and within a horizon. No threshold is set",
        "limits": REGIMES_LIMITS,
    }


def _evidence_facts(checks: Evidence | None, evaluation: Evidence | None) -> dict[str, str]:
    unchecked = "not given: run `itb-bayes check` and name its folder with --checks"
    unjudged = "external validation: none. Cross-validation: not given (--evaluation)"
    found = {
        "checks": unchecked,
        "sensitivity": unchecked,
        "prior_check": "`itb-bayes prior` prints it",
        "performance": unjudged,
        "partition": unjudged,
        "by_centre": "not done: `itb-bayes evaluate --by centres`",
        "alternatives": "`itb-bayes compare` prints fits side by side; none is named here",
    }
    if checks is not None:
        found["checks"] = checks.about("predictive", "pit", "event", "loo") or unchecked
        found["sensitivity"] = (
            checks.about("sensitivity", "prior-posterior") or "not part of these checks"
        )
    if evaluation is not None:
        found["performance"] = f"{evaluation.title}: " + "; ".join(evaluation.lines)
        found["partition"] = f"cross-validation or other patients: {evaluation.title}"
    return found


def _named(names: Sequence[str]) -> str:
    return ", " + ", ".join(dict.fromkeys(names)) if names else ""
