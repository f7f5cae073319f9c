"""Every centre of a cohort fitted by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.fingerprint import fingerprint_tables
from itb_bayes.errors import ModelError
from itb_bayes.inference.bundle import MANIFEST_FILE
from itb_bayes.inference.fit import fit
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.spec import ModelSpec


def centres_of(cohort: Cohort) -> tuple[str, ...]:
    """Return the centres of a cohort.

    Raises
    ------
    ModelError
        If fewer than two are named, or some patient has none.
    """
    centre = cohort.patients["centre"]
    names = tuple(sorted(str(name) for name in centre.dropna().unique()))
    if len(names) < 2 or centre.isna().any():
        raise ModelError(
            f"--per-centre needs the column `centre` of patients filled, with two or more centres; "
            f"cohort {cohort.name!r} names {len(names)}, and {int(centre.isna().sum())} patients "
            "have none."
        )
    return names


def of_centre(cohort: Cohort, centre: str) -> Cohort:
    """Return the patients of one centre, with all their records."""
    own = set(cohort.patients.loc[cohort.patients["centre"] == centre, "patient_id"])
    tables = {
        name: table[table["patient_id"].isin(own)].reset_index(drop=True)
        for name, table in cohort.tables.items()
    }
    return replace(
        cohort,
        name=f"{cohort.name}, {centre}",
        fingerprint=fingerprint_tables(tables),
        set_aside=cohort.set_aside[cohort.set_aside["patient_id"].isin(own)],
        patients=tables["patients"],
        doses=tables["doses"],
        assessments=tables["assessments"],
        refills=tables["refills"],
        events=tables["events"],
    )


def folder_name(number: int) -> str:
    """Return the folder of a centre's fit: its number, since names may not suit a file system."""
    return f"centre-{number + 1:02d}"


def fit_per_centre(
    spec: ModelSpec, cohort: Cohort, settings: SamplerSettings, out: Path, *,
    on_centre: Callable[[str], None] | None = None, **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Fit every centre by itself; a centre whose fit is there is not fitted again.

    Parameters
    ----------
    spec : ModelSpec
        Its centre term is off in every fit.
    cohort : Cohort
    settings : SamplerSettings
    out : Path
        Folder of the fits, ``centre-01`` and on, in alphabetical order of the centres.
    on_centre : callable, optional
        Told the centre before it is fitted.
    options
        Of :func:`itb_bayes.inference.fit.fit`.

    Returns
    -------
    dict
        Centre to its fit.

    Raises
    ------
    ModelError
        If the kind of the model has no centre term, centres are not named, or the model does not
        suit a centre.
    """
    term = getattr(spec, "centre", None)
    if term is None:
        raise ModelError(f"models of kind {spec.kind!r} have no centre term to fit by.")
    alone = spec.model_copy(update={"centre": term.model_copy(update={"use": "no"})})
    fits = {}
    for number, centre in enumerate(centres_of(cohort)):
        if on_centre is not None:
            on_centre(centre)
        folder, own = Path(out) / folder_name(number), of_centre(cohort, centre)
        fits[centre] = _found(folder, alone, own, settings) or fit(
            alone, own, settings, folder, **options
        )
    return fits


def _found(folder: Path, spec: ModelSpec, cohort: Cohort, settings: SamplerSettings) -> Any:
    """Return the fit that is there, if it is this one."""
    if not (folder / MANIFEST_FILE).is_file():
        return None
    there = load_fit(folder)
    same = (
        there.manifest["model"] == spec.digest
        and there.manifest["cohort_fingerprint"] == cohort.fingerprint
        and there.manifest["settings"] == settings.as_dict()
    )
    return there if same else None
