"""Whose first explanation changes when priors are scaled, or a channel is left out.

Priors are power-scaled by importance weights (Kallioinen et al. 2024, Stat Comput 34:57): a weaker
prior is the same prior raised to a power below one. What counts here is not a parameter but what a
clinic is told: each patient's probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.result import CheckResult
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import explanations_now
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Par
from itb_bayes.model.regimes_plan import RegimesPlan, blank_channels
from itb_bayes.risk.prior_scaling import LEAST_WEIGHTED_DRAWS, POWERS, log_priors, power_weights
from itb_bayes.spec import ModelSpec

Array = NDArray[np.float64]

LARGE = 0.1
"""A change of a probability that a reader would notice: 10 in 100."""

SHOWN = 15
_SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class Shift:
    """What a change of the model does to the patients' probabilities.

    Attributes
    ----------
    changed : int
        Patients whose most probable explanation is another one.
    largest : float
        Largest change of any probability.
    at : str
        The explanation that has it.
    mean : float
        Mean over patients of the largest change of any of the patient's probabilities.
    """

    changed: int
    largest: float
    at: str
    mean: float


def shift_of_probabilities(
    before: Array, after: Array, labels: Sequence[str] = EXPLANATIONS
) -> Shift:
    """Compare two tables of probabilities, shape (n_patient, n_label)."""
    change = np.abs(after - before)
    worst = int(change.max(axis=0).argmax())
    return Shift(
        changed=int((after.argmax(axis=1) != before.argmax(axis=1)).sum()),
        largest=float(change.max()),
        at=labels[worst],
        mean=float(change.max(axis=1).mean()),
    )


def prior_sensitivity(spec: ModelSpec, posterior: xr.Dataset, now: xr.DataArray) -> CheckResult:
    """Judge how the patients' probabilities follow the priors, all together and one by one.

    Parameters
    ----------
    spec : ModelSpec
    posterior : xarray.Dataset
        Population parameters, dims (chain, draw, ...).
    now : xarray.DataArray
        Probabilities, dims (chain, draw, patient, explanation), of the same draws; any exclusive
        answers in place of explanations.
    """
    priors = log_priors(spec, posterior)
    labels = [str(label) for label in now["explanation"].to_numpy()]
    draws = now.to_numpy().reshape(-1, *now.shape[2:])
    before = draws.mean(axis=0)
    total = np.sum(list(priors.values()), axis=0)
    rows, fewest = [], np.inf
    for name, density in {"all priors together": total, **priors}.items():
        shifts, sizes = [], []
        for power in POWERS:
            weight = power_weights(density, power)
            after = np.tensordot(weight, draws, 1)
            shifts.append(shift_of_probabilities(before, after, labels))
            sizes.append(1.0 / float((weight**2).sum()))
        worst = max(shifts, key=lambda shift: shift.largest)
        fewest = min(fewest, *sizes)
        rows.append(
            {
                "prior": name,
                "patients_changed": max(shift.changed for shift in shifts),
                "largest_change": worst.largest,
                "explanation": worst.at,
                "mean_change": max(shift.mean for shift in shifts),
                "effective_draws": min(sizes),
            }
        )
    table = pd.DataFrame(rows)
    singles = table.iloc[1:].sort_values("largest_change", ascending=False, kind="stable")
    shown = pd.concat([table.iloc[:1], singles.head(SHOWN)], ignore_index=True)
    whole = shown.iloc[0]
    reliable = float(whole["effective_draws"]) >= LEAST_WEIGHTED_DRAWS
    summary = (
        f"All priors raised to the powers {POWERS[0]:g} and {POWERS[1]:g}: the most probable "
        f"explanation changes for {whole['patients_changed']} of {before.shape[0]} patients; "
        f"largest change {whole['largest_change']:.2f} ({whole['explanation']}). Alone, "
        f"{singles['prior'].iloc[0]} moves most: {singles['largest_change'].iloc[0]:.2f}."
    )
    if not reliable:
        summary += (
            f" The weights rest on {whole['effective_draws']:.0f} effective draws: too few to "
            "judge all priors together; fit again under other priors instead."
        )
    passed = int(whole["patients_changed"]) == 0 and float(whole["largest_change"]) <= LARGE
    return CheckResult(
        "sensitivity-priors",
        "Would somewhat weaker or stronger priors give patients another explanation?",
        f"passes if no patient's most probable explanation changes and no probability moves by "
        f"more than {LARGE:g} when all priors are raised to the powers {POWERS[0]:g} and "
        f"{POWERS[1]:g}",
        passed if reliable else None,
        summary,
        shown,
    )


def channel_sensitivity(
    plan: RegimesPlan,
    draws: RegimesDraws,
    now: xr.DataArray,
    on_channel: Callable[[int, int], None] | None = None,
) -> CheckResult:
    """Show what each channel does to the patients' probabilities, by leaving it out.

    The population stays as it was fitted; only what the patients' own records of the channel say is
    taken away.

    Parameters
    ----------
    plan, draws, now
        Of the fit; ``now`` with dims (chain, draw, patient, explanation).
    on_channel : callable, optional
        Called with the number of channels done and the number to do.
    """
    before = now.mean(_SAMPLE).to_numpy()
    rows = []
    for k, channel in enumerate(plan.channels):
        without = leave_out(plan, channel)
        silent = silence(draws, channel)
        after = explanations_now(without, silent).mean(axis=0)
        rows.append(_channel_row(channel, before, after))
        if on_channel is not None:
            on_channel(k + 1, len(plan.channels))
    table = pd.DataFrame(rows).sort_values(
        ["patients_changed", "largest_change"], ascending=False, kind="stable", ignore_index=True
    )
    first = table.iloc[0]
    return CheckResult(
        "sensitivity-channels",
        "Which kind of record decides the patients' explanations?",
        "none: a channel is there to change probabilities; one that changes most explanations "
        "alone should be looked at for errors of data first",
        None,
        f"Most by {first['channel']}: without it the most probable explanation changes for "
        f"{first['patients_changed']} of {before.shape[0]} patients (largest change "
        f"{first['largest_change']:.2f}, {first['explanation']}).",
        table,
    )


def leave_out(plan: RegimesPlan, channel: str) -> RegimesPlan:
    """Return a plan with one channel blanked."""
    data, codes = plan.data.copy(), plan.codes.copy()
    left = tuple(name for name in plan.channels if name != channel)
    blank_channels(data, codes, left)
    return replace(plan, data=data, codes=codes)


def silence(draws: RegimesDraws, channel: str) -> RegimesDraws:
    """Return draws under which a channel's silence is no evidence either."""
    parts = {"events": ("FOUND_",), "labels": ("_LABEL",), "tests": ("WORK_UP", "ALARM")}
    silent = parts.get(channel)
    if silent is None:
        return draws
    g = draws.g.copy()
    g[:, [int(par) for par in Par if any(part in par.name for part in silent)]] = 0.0
    return RegimesDraws(g, draws.own)


def _channel_row(channel: str, before: Array, after: Array) -> Mapping[str, object]:
    shift = shift_of_probabilities(before, after)
    return {
        "channel": channel,
        "patients_changed": shift.changed,
        "largest_change": shift.largest,
        "explanation": shift.at,
        "mean_change": shift.mean,
    }


RISES = ("no such rise", "a rise of more than 100 µg/day")


def rise_probabilities(p_rise: Array, posterior: xr.Dataset) -> xr.DataArray:
    """Lay probabilities of a rise out as two exclusive answers, for :func:`prior_sensitivity`.

    Parameters
    ----------
    p_rise : ndarray, shape (n_chain * n_draw, n_patient)
    posterior : xarray.Dataset
        Gives chains and draws their labels.
    """
    both = np.stack([1.0 - p_rise, p_rise], axis=-1)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], *both.shape[1:])
    return xr.DataArray(
        both.reshape(shape),
        dims=(*_SAMPLE, "patient", "explanation"),
        coords={
            "chain": posterior["chain"],
            "draw": posterior["draw"],
            "explanation": list(RISES),
        },
    )
