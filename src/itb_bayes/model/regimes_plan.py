"""What a regimes model will be fitted to: channels, indexes and steps, before any PyMC."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.actions import Action
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.search import QUIET
from itb_bayes.cohort.tested import EXCLUDED_UNSEEN
from itb_bayes.cohort.timeline import Timeline, timeline
from itb_bayes.errors import ModelError, NobodyOnRecord
from itb_bayes.kernel.regimes.layout import N_CODE, N_COL, Code, Col
from itb_bayes.model.centres import code_centres
from itb_bayes.spec import RegimesSpec
from itb_bayes.spec.kinds.regimes_spec import CHANNELS

REVISION = 8
"""Raised whenever a variable of the model changes its meaning: older fits are then refused."""

OLDER_CATHETER = "older"
"""Value of ``catheter_model`` whose hazard has a ratio of its own."""

_FLOATS = {
    Col.T: "t_years",
    Col.LOG_DOSE: "log_dose",
    Col.ASHWORTH: "ashworth",
    Col.PENN: "penn",
    Col.REFILL: "refill_share",
    Col.REFILL_COUNT: "refill_count",
    Col.EDSS: "edss_change",
    Col.EDSS_YEARS: "edss_years",
    Col.CATHETER_AGE: "catheter_age_years",
    Col.PUMP_AGE: "pump_age_years",
    Col.DOSE_CHANGE: "dose_change",
    Col.CATHETER_TESTED: "catheter_tested",
    Col.PUMP_TESTED: "pump_tested",
    Col.EXCLUDED: "excluded",
}
_CODES = {
    Code.DYE: "dye",
    Code.ASPIRATION: "aspiration",
    Code.ROTOR: "rotor",
    Code.TOLERANCE: "tolerance_label",
    Code.PROGRESSION: "progression_label",
    Code.TRIGGER: "trigger_label",
    Code.ACTION: "action",
    Code.BOLUS: "bolus",
}
_CONFIRMING = int(Action.CATHETER_CONFIRMED | Action.PUMP_CONFIRMED)
_REPAIRED = ((Action.CATHETER_CONFIRMED, Action.CATHETER_REVISED),
             (Action.PUMP_CONFIRMED, Action.PUMP_REPLACED))  # fmt: skip


@dataclass(frozen=True, eq=False)
class RegimesPlan:
    """Data, indexes and channels of one regimes fit.

    Attributes
    ----------
    patient_ids : tuple of str
    offsets : ndarray of int64, shape (n_patient + 1,)
    data, codes : ndarray, shape (n_step, 15) and (n_step, 8)
        Columns of :class:`itb_bayes.kernel.regimes.layout.Col` and ``Code``; channels that are
        off are blank.
    channels : tuple of str
        Channels that are on.
    diagnoses, centres : tuple of str
        Labels in alphabetical order; ``centres`` is empty where the term is off.
    diagnosis_index, centre_index : ndarray of int64, shape (n_patient,)
        -1 where a scored patient belongs to none of the fitted groups.
    older_catheter : ndarray, shape (n_patient,)
        1 where the implanted catheter is of an older model.
    untreated_tone : ndarray, shape (n_patient,)
        Tone before implant (0-4); NaN where not recorded.
    notes : tuple of str
        What "auto" settings came to, in words.
    """

    patient_ids: tuple[str, ...]
    offsets: NDArray[np.int64]
    data: NDArray[np.float64]
    codes: NDArray[np.int64]
    channels: tuple[str, ...]
    diagnoses: tuple[str, ...]
    diagnosis_index: NDArray[np.int64]
    centres: tuple[str, ...]
    centre_index: NDArray[np.int64]
    older_catheter: NDArray[np.float64]
    untreated_tone: NDArray[np.float64]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together: compiled code checks none of them."""
        n, steps = len(self.patient_ids), int(self.offsets[-1])
        if (
            self.offsets.shape != (n + 1,)
            or self.offsets[0] != 0
            or np.any(np.diff(self.offsets) < 1)
        ):
            raise ValueError("the steps of the plan are not those of its patients, in order")
        if self.data.shape != (steps, N_COL) or self.codes.shape != (steps, N_CODE):
            raise ValueError("the columns of the plan are not those of the kernel")
        for index, labels in (
            (self.diagnosis_index, self.diagnoses),
            (self.centre_index, self.centres or ("",)),
        ):
            if index.shape != (n,) or (n and (index.min() < -1 or index.max() >= len(labels))):
                raise ValueError("an index of the plan points outside its labels")

    @property
    def n_patient(self) -> int:
        """Number of patients."""
        return len(self.patient_ids)

    @property
    def t_years(self) -> NDArray[np.float64]:
        """Time of every step, shape (n_step,)."""
        return self.data[:, Col.T]

    @property
    def t_last(self) -> NDArray[np.float64]:
        """Time of the last step of each patient, shape (n_patient,)."""
        return self.data[self.offsets[1:] - 1, Col.T]

    @property
    def step_patient(self) -> NDArray[np.int64]:
        """Patient of every step, shape (n_step,)."""
        return np.repeat(np.arange(self.n_patient), np.diff(self.offsets))

    def between(self, first: int, last: int) -> "RegimesPlan":
        """Return the plan of the patients ``first`` to ``last - 1``, without a copy."""
        own, steps = slice(first, last), slice(int(self.offsets[first]), int(self.offsets[last]))
        offsets = self.offsets[first : last + 1] - self.offsets[first]
        return self._taken(self.patient_ids[own], own, steps, offsets)

    def select(
        self, patients: NDArray[np.int64], kept: NDArray[np.bool_] | None = None
    ) -> "RegimesPlan":
        """Return the plan of some patients; diagnoses, centres and channels keep their labels.

        Parameters
        ----------
        patients : ndarray of int64
        kept : ndarray of bool, shape (n_step,), optional
            Steps that are kept, at least one of each of these patients; all by default.
        """
        rows = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in patients]
        if kept is not None:
            rows = [own[kept[own]] for own in rows]
        offsets = np.concatenate([[0], np.cumsum([own.size for own in rows])]).astype(np.int64)
        ids = tuple(self.patient_ids[i] for i in patients)
        return self._taken(ids, patients, np.concatenate(rows), offsets)

    def _taken(
        self, ids: tuple[str, ...], own: slice | NDArray[np.int64],
        steps: slice | NDArray[np.int64], offsets: NDArray[np.int64],
    ) -> "RegimesPlan":  # fmt: skip
        return replace(
            self,
            patient_ids=ids,
            offsets=offsets,
            data=self.data[steps],
            codes=self.codes[steps],
            diagnosis_index=self.diagnosis_index[own],
            centre_index=self.centre_index[own],
            older_catheter=self.older_catheter[own],
            untreated_tone=self.untreated_tone[own],
        )

    def followed_by(self, other: "RegimesPlan") -> "RegimesPlan":
        """Return one plan of the patients of both; groups and channels are those of this one."""
        return replace(
            self,
            patient_ids=self.patient_ids + other.patient_ids,
            offsets=np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            data=np.concatenate([self.data, other.data]),
            codes=np.concatenate([self.codes, other.codes]),
            diagnosis_index=np.concatenate([self.diagnosis_index, other.diagnosis_index]),
            centre_index=np.concatenate([self.centre_index, other.centre_index]),
            older_catheter=np.concatenate([self.older_catheter, other.older_catheter]),
            untreated_tone=np.concatenate([self.untreated_tone, other.untreated_tone]),
        )


def plan_regimes(
    spec: RegimesSpec, cohort: Cohort, *, until_years: Mapping[str, float] | None = None
) -> RegimesPlan:
    """Lay a regimes specification over a cohort.

    Parameters
    ----------
    spec : RegimesSpec
    cohort : Cohort
    until_years : mapping, optional
        As-of time of each patient (years since implant).

    Raises
    ------
    ModelError
        If a channel or term is asked for that the cohort has no data for, or nothing is left.
    """
    line = timeline(cohort, until_years=until_years)
    if not line.patient_ids:
        raise ModelError(
            f"model {spec.name!r}: no patient of cohort {cohort.name!r} has a dose on record."
        )
    notes: list[str] = []
    left_out = len(cohort.patients) - len(line.patient_ids)
    if left_out:
        notes.append(f"patients without a dose on record, left out: {left_out}")
    channels = _channels(spec, line, cohort, notes)
    patients = cohort.patients.set_index("patient_id").loc[list(line.patient_ids)]
    diagnosis = patients["diagnosis"].astype(str).to_numpy(dtype=object)
    diagnoses = tuple(sorted(set(diagnosis)))
    centres, centre_index = code_centres(
        spec.name,
        spec.centre.use,
        patients["centre"].to_numpy(dtype=object),
        'set centre.use = "no"',
        notes,
    )
    return _assemble(
        line, channels, patients, tuple(notes), diagnoses, label_index(diagnosis, diagnoses),
        centres, centre_index,
    )  # fmt: skip


def plan_scoring(
    fitted: RegimesPlan, cohort: Cohort, *, until_years: Mapping[str, float] | None = None
) -> RegimesPlan:
    """Lay the terms of a fitted plan over another cohort, for scoring.

    Channels are those of the fit; where the cohort lacks one, it says nothing. Diagnoses and
    centres that were not fitted get index -1.

    Raises
    ------
    NobodyOnRecord
        If no patient has a dose on record.
    """
    line = timeline(cohort, until_years=until_years)
    if not line.patient_ids:
        raise NobodyOnRecord(f"no patient of cohort {cohort.name!r} has a dose on record.")
    patients = cohort.patients.set_index("patient_id").loc[list(line.patient_ids)]
    diagnosis = patients["diagnosis"].astype(str).to_numpy(dtype=object)
    nowhere = np.zeros(len(line.patient_ids), dtype=np.int64)
    centre = patients["centre"].astype(object).to_numpy(dtype=object)
    index = label_index(centre, fitted.centres) if fitted.centres else nowhere
    return _assemble(
        line, fitted.channels, patients, (), fitted.diagnoses,
        label_index(diagnosis, fitted.diagnoses), fitted.centres, index,
    )  # fmt: skip


def label_index(values: NDArray[np.object_], labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the position of every value among labels, -1 where it is none of them."""
    known = {label: i for i, label in enumerate(labels)}
    return np.array([known.get(value, -1) for value in values], dtype=np.int64)


def _assemble(
    line: Timeline, channels: tuple[str, ...], patients: "object", notes: tuple[str, ...],
    diagnoses: tuple[str, ...], diagnosis_index: NDArray[np.int64],
    centres: tuple[str, ...], centre_index: NDArray[np.int64],
) -> RegimesPlan:  # fmt: skip
    data = np.empty((line.n_step, N_COL))
    for column, name in _FLOATS.items():
        data[:, column] = getattr(line, name)
    data[:, Col.SEARCH] = QUIET + line.search_by_dose
    if "ashworth" in channels:
        data[:, Col.SEARCH] += line.search_by_tone
    codes = np.empty((line.n_step, N_CODE), dtype=np.int64)
    for code, name in _CODES.items():
        codes[:, code] = getattr(line, name)
    blank_channels(data, codes, channels)
    models = patients["catheter_model"]  # type: ignore[index]
    older = np.array([str(value).strip().lower() == OLDER_CATHETER for value in models])
    return RegimesPlan(
        patient_ids=line.patient_ids,
        offsets=line.offsets,
        data=data,
        codes=codes,
        channels=channels,
        diagnoses=diagnoses,
        diagnosis_index=diagnosis_index,
        centres=centres,
        centre_index=centre_index,
        older_catheter=older.astype(np.float64),
        untreated_tone=line.untreated_tone,
        notes=notes,
    )


def blank_channels(
    data: NDArray[np.float64], codes: NDArray[np.int64], channels: tuple[str, ...]
) -> None:
    """Blank what belongs to channels that are off, in place."""
    floats = {
        "ashworth": (Col.ASHWORTH,),
        "spasms": (Col.PENN,),
        "dose": (Col.DOSE_CHANGE,),
        "refills": (Col.REFILL,),
        "neuro": (Col.EDSS,),
    }
    for name, columns in floats.items():
        if name not in channels:
            for column in columns:
                data[:, column] = np.nan
    if "tests" not in channels:
        codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] = -1
        data[:, [Col.CATHETER_TESTED, Col.PUMP_TESTED]] = 0.0
        data[:, Col.EXCLUDED] = EXCLUDED_UNSEEN * data[:, Col.SEARCH]
    if "labels" not in channels:
        codes[:, [Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER]] = 0
    if "events" not in channels:
        # A confirmed fault is then an operation that found we know not what.
        action = codes[:, Code.ACTION]
        for confirmed, replaced in _REPAIRED:
            action = np.where(action & confirmed, (action & ~int(confirmed)) | replaced, action)
        codes[:, Code.ACTION] = action


def _channels(
    spec: RegimesSpec, line: Timeline, cohort: Cohort, notes: list[str]
) -> tuple[str, ...]:
    """Return the channels that are on."""
    events = set(cohort.events["event"])
    counts = {
        "ashworth": int(np.isfinite(line.ashworth).sum()),
        "spasms": int(np.isfinite(line.penn).sum()),
        "dose": int(np.isfinite(line.dose_change).sum()),
        "refills": int(np.isfinite(line.refill_share).sum()),
        "tests": int(((line.dye >= 0) | (line.aspiration >= 0) | (line.rotor >= 0)).sum()),
        "events": len(events) and int((line.action & _CONFIRMING > 0).sum()),
        "labels": int((line.tolerance_label + line.progression_label + line.trigger_label).sum()),
        "neuro": int(np.isfinite(line.edss_change).sum()),
    }
    on = []
    for name in CHANNELS:
        setting = getattr(spec.channels, name)
        if setting == "no":
            continue
        if counts[name]:
            on.append(name)
            notes.append(f"channel {name}: {counts[name]} records")
        elif setting == "yes":
            raise ModelError(
                f"model {spec.name!r} asks for the channel {name}, but cohort {cohort.name!r} has "
                f'no record of it. Set channels.{name} = "auto", or add the records.'
            )
        else:
            notes.append(f"channel {name} off: no records")
    if "ashworth" not in on and "dose" not in on:
        raise ModelError(
            f"model {spec.name!r} needs Ashworth scores or dose changes; cohort {cohort.name!r} "
            "has neither."
        )
    return tuple(on)
