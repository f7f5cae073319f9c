"""The Python interface: from a cohort to its numbers in three lines.

>>> import itb_bayes
>>> cohort = itb_bayes.Cohort.read("data/synthetic/clinic-small")
>>> cohort.synthetic, len(cohort.patients)
(True, 30)
>>> itb_bayes.load_model("@drift").name
'drift'
"""

import shutil
import weakref
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.spec import ModelSpec, load_model

if TYPE_CHECKING:
    import xarray as xr

    from itb_bayes.checks.result import CheckResult

__all__ = ["Cohort", "ModelFit", "fit", "load_fit", "load_model"]


class ModelFit:
    """A fitted model of any kind, as it lies in its folder.

    Parameters
    ----------
    stored
        What was loaded from the folder.
    folder : Path
        Of the fit.
    """

    def __init__(self, stored: Any, folder: Path) -> None:
        self.stored = stored
        self.folder = folder

    def __repr__(self) -> str:
        """Say what was fitted, and whether it may be believed; no values."""
        gate = "gate passed" if self.passed else "GATE NOT PASSED"
        data = "synthetic data" if self.synthetic else "real data"
        return f"<ModelFit {self.spec.name} {self.spec.version}, run {self.run_id}, {gate}, {data}>"

    @property
    def spec(self) -> ModelSpec:
        """The model, resolved."""
        found: ModelSpec = self.stored.spec
        return found

    @property
    def passed(self) -> bool:
        """Whether the convergence gate was passed."""
        return bool(self.stored.gate.passed)

    @property
    def failures(self) -> list[str]:
        """The criteria of the gate that failed, in words."""
        return list(self.stored.gate.failures())

    @property
    def synthetic(self) -> bool:
        """Whether the cohort was simulated."""
        return bool(self.stored.synthetic)

    @property
    def run_id(self) -> str:
        """Short name of the run."""
        return str(self.stored.run_id)

    @property
    def posterior(self) -> "xr.Dataset":
        """Draws of the population parameters, on the model scale."""
        found: xr.Dataset = self.stored.posterior
        return found

    def table(self, *, allow_unconverged: bool = False) -> pd.DataFrame:
        """Return the population table: one row per quantity and group, with its interval.

        Raises
        ------
        GateError
            If the fit did not pass its convergence gate and ``allow_unconverged`` is false.
        """
        self.stored.require_gate(allow_unconverged)
        rows = []
        for record in _records(self.stored):
            flat = asdict(record)
            rows.append({**flat, **flat.pop("interval")})
        return pd.DataFrame(rows).drop(columns="interval", errors="ignore")

    def risk(
        self,
        horizons_months: tuple[float, ...] = (12.0,),
        *,
        as_of_years: float | None = None,
        allow_unconverged: bool = False,
    ) -> pd.DataFrame:
        """Return the long risk rows of the fitted patients, as ``itb-bayes risk --format csv``.

        Parameters
        ----------
        horizons_months : tuple of float
            After the last record.
        as_of_years : float, optional
            Years since implant: records that ended more than a year before give no numbers.
            Without it a record is judged by its own end.
        allow_unconverged : bool
            Give numbers of a fit that did not pass its gate, marked.

        Raises
        ------
        GateError
            If the fit did not pass its convergence gate and ``allow_unconverged`` is false.
        ModelError
            If the kind of model says nothing about single patients.
        UsageError
            If a record goes on after ``as_of_years``: the fit has seen it.
        """
        kind = self.spec.kind
        if kind not in ("drift", "regimes"):
            raise ModelError(
                f"a fit of kind {kind!r} says nothing about single patients; `table` gives what "
                "it says."
            )
        from itb_bayes.risk.as_of import as_of_times, patients_of, refuse_later_records

        self.stored.require_gate(allow_unconverged)
        until = as_of_times(self.stored, None, None, as_of_years)
        refuse_later_records(self.stored, range(len(patients_of(self.stored))), until)
        if kind == "drift":
            from itb_bayes.risk.patient import summarise_patients
            from itb_bayes.risk.table import risk_table

            summaries = summarise_patients(self.stored, horizons_months, until)
            table = risk_table(self.stored, summaries)
        else:
            from itb_bayes.risk.explanation_table import explanation_table
            from itb_bayes.risk.explanations import explain_patients
            from itb_bayes.risk.scoring import withhold_unsupported

            found = explain_patients(
                self.stored.plan, self.stored.population(), mode="refit",
                horizons_months=horizons_months, seed=self.stored.seed,
            )  # fmt: skip
            found = withhold_unsupported(self.stored.plan, found, until)
            table = explanation_table(self.stored, found)
        return table if self.passed else table.assign(status="GATE NOT PASSED")

    def score(
        self,
        cohort: Cohort,
        *,
        as_of_years: float | None = None,
        every_visit: bool = False,
        allow_unconverged: bool = False,
    ) -> pd.DataFrame:
        """Return the explanations of patients that the fit has not seen, without refitting.

        Parameters
        ----------
        cohort : Cohort
        as_of_years : float, optional
            Use records up to so many years since implant; those that ended more than a year
            before give no numbers.
        every_visit : bool
            Probabilities at each visit, from what was known then.
        allow_unconverged : bool
            Give numbers of a fit that did not pass its gate, marked.

        Raises
        ------
        GateError
            If the fit did not pass its convergence gate and ``allow_unconverged`` is false.
        ModelError
            If the fit is not one of kind ``regimes``.
        """
        if self.spec.kind != "regimes":
            raise ModelError(
                f"`score` needs a fit of kind 'regimes', for example of @regimes; this is one of "
                f"kind {self.spec.kind!r}."
            )
        self.stored.require_gate(allow_unconverged)
        from itb_bayes.risk.scoring import ScoringRequest, score_cohort

        until = None
        if as_of_years is not None:
            until = dict.fromkeys(cohort.patients["patient_id"], as_of_years)
        table = score_cohort(
            self.stored, cohort, ScoringRequest(every_visit=every_visit), until_years=until,
            refuse_stale=True,
        )  # fmt: skip
        return table if self.passed else table.assign(status="GATE NOT PASSED")

    def check(self) -> "tuple[CheckResult, ...]":
        """Run the checks of a drift fit, as ``itb-bayes check``.

        Raises
        ------
        ModelError
            If the fit is not one of kind ``drift``.
        """
        if self.spec.kind != "drift":
            raise ModelError(f"fits of kind {self.spec.kind!r} have no checks in this version.")
        from itb_bayes.checks.suite import check_fit

        return check_fit(self.stored)


def fit(
    model: str | Path | ModelSpec,
    cohort: Cohort | str | Path,
    *,
    out: str | Path | None = None,
    profile: str = "standard",
    seed: int = 1,
    force: bool = False,
    quiet: bool = True,
) -> ModelFit:
    """Fit a model to a cohort.

    Parameters
    ----------
    model : str, Path or ModelSpec
        ``@name`` of a shipped model, a model file, or a loaded model.
    cohort : Cohort, str or Path
        A cohort, or its folder; ``"@literature"`` pools published counts alone.
    out : path, optional
        Folder of the fit; without it, a temporary one that goes with the object.
    profile : {"quick", "standard", "paper"}
        How long to sample.
    seed : int
        Everything random derives from it.
    force : bool
        Replace a fit that is there.
    quiet : bool
        No progress on stderr.

    Returns
    -------
    ModelFit
        Also where the convergence gate was not passed; its numbers are then refused.

    Raises
    ------
    CohortError
        If the cohort breaks the data contract.
    ModelError
        If the model file is invalid or does not suit the cohort.
    UsageError
        If ``out`` cannot be used, or there is no such profile.
    """
    from itb_bayes.inference.fit import fit as run_fit
    from itb_bayes.inference.settings import profile_settings

    spec = model if isinstance(model, ModelSpec) else load_model(model)
    settings = profile_settings(profile, spec.kind, seed=seed)
    with ExitStack() as stack:
        if out is None:
            temporary = mkdtemp(prefix="itb-bayes-")
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            folder = Path(temporary) / "fit"
        else:
            folder = Path(out)
        stored = run_fit(spec, _cohort(spec, cohort), settings, folder, force=force, quiet=quiet)
        made = ModelFit(stored, folder)
        weakref.finalize(made, stack.pop_all().close)
    return made


def load_fit(folder: str | Path) -> ModelFit:
    """Load a fit of any kind, and verify it.

    Raises
    ------
    UsageError
        If the folder is no fit, or any file differs from what was written.
    ModelError
        If it was made by another version of the model.
    """
    from itb_bayes.inference.machinery import load_fit as load

    return ModelFit(load(folder), Path(folder))


def _cohort(spec: ModelSpec, cohort: Cohort | str | Path) -> Cohort:
    if isinstance(cohort, Cohort):
        return cohort
    if str(cohort) != "@literature":
        return Cohort.read(cohort)
    if spec.kind != "complications":
        raise ModelError(
            f"@literature holds published counts and no patients; models of kind {spec.kind!r} "
            "need a cohort."
        )
    from itb_bayes.model.literature_cohort import literature_cohort

    return literature_cohort()


def _records(stored: Any) -> tuple[Any, ...]:
    kind = stored.spec.kind
    if kind == "drift":
        from itb_bayes.risk.population import population_table

        return population_table(stored)
    if kind == "regimes":
        from itb_bayes.risk.regimes_population import regimes_table

        return regimes_table(stored)
    if kind == "complications":
        from itb_bayes.risk.complications_table import complications_table

        return complications_table(stored)
    from itb_bayes.risk.spasticity_table import spasticity_table

    return spasticity_table(stored)
