"""What the tests of a work-up gave to expect: an operation, or that tolerance is named.

Where work-ups are on record, nearly every fault is confirmed at an operation within weeks of a test
that spoke for it. Until such a test the clinic has not looked, so that no fault was confirmed says
next to nothing; after one it says much. Tolerance is a diagnosis of exclusion: it is named after
tests that found nothing.
"""

import numpy as np
from numpy.typing import NDArray

FADES_YEARS = 0.15
"""Time in which the expectation of an operation fades after a test: eight weeks."""

UNCLEAR = 0.3
"""Of the expectation after a positive test: after one without a clear result."""

EXCLUDED_YEARS = 0.3
"""Time in which it fades that a device fault has been excluded: under four months."""

NOT_EXCLUDED = 0.02
"""How far one counts as excluded where tests are recorded but none found nothing lately."""

EXCLUDED_UNSEEN = 0.15
"""Where tests are not recorded: how far one counts as excluded, over the cause to search. With full
cause there is a work-up every other year or so, after which it is excluded for four months."""

_DAY_YEARS = 1.0 / 365.25
_NEGATIVE, _POSITIVE, _INDETERMINATE = 0, 1, 2


def expect_catheter(dye: NDArray[np.int64], aspiration: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far the tests of each step lead to an operation on the catheter.

    Parameters
    ----------
    dye, aspiration : ndarray of int64, shape (n_step,)
        -1 none, 0 negative, 1 positive, 2 indeterminate.

    Returns
    -------
    ndarray, shape (n_step,)
        1 after a positive dye study, :data:`UNCLEAR` after one without a clear result or where
        nothing could be aspirated, 0 after a negative one; NaN without a test.
    """
    unclear = (dye == _INDETERMINATE) | (aspiration > 0)
    made = (dye >= 0) | (aspiration >= 0)
    return np.select([dye == _POSITIVE, unclear, made], [1.0, UNCLEAR, 0.0], np.nan)


def expect_pump(rotor: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far the rotor study of each step leads to an operation on the pump.

    As :func:`expect_catheter`.
    """
    return np.select(
        [rotor == _POSITIVE, rotor == _INDETERMINATE, rotor >= 0], [1.0, UNCLEAR, 0.0], np.nan
    )


def expect_naming(
    dye: NDArray[np.int64], aspiration: NDArray[np.int64], rotor: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how far the tests of each step exclude a device fault.

    As :func:`expect_catheter`: 0 after any positive test, else 1 after a negative one; NaN where
    there was none, or none with a clear result.
    """
    tests = np.stack([dye, aspiration, rotor])
    found, none = (tests == _POSITIVE).any(axis=0), (tests == _NEGATIVE).any(axis=0)
    return np.select([found, none], [0.0, 1.0], np.nan)


def after_tests(
    t_years: NDArray[np.float64],
    expected: NDArray[np.float64],
    operated: NDArray[np.bool_],
    fades_years: float = FADES_YEARS,
) -> NDArray[np.float64]:
    """Return how far what tests gave to expect held in the time up to each step, for one patient.

    Parameters
    ----------
    t_years : ndarray, shape (n_step,)
    expected : ndarray, shape (n_step,)
        Of :func:`expect_catheter`, :func:`expect_pump` or :func:`expect_naming`.
    operated : ndarray of bool, shape (n_step,)
        Whether the part was operated on at the step, which ends what was expected before.
    fades_years : float
        Time in which what was expected fades.

    Returns
    -------
    ndarray, shape (n_step,)
        Mean over the time since the step before (a day at least); the day of a test counts as one.
    """
    return np.array(
        [after_test(k, t_years, expected, operated, fades_years) for k in range(len(t_years))]
    )


def after_test(
    k: int,
    t_years: NDArray[np.float64],
    expected: NDArray[np.float64],
    operated: NDArray[np.bool_],
    fades_years: float = FADES_YEARS,
) -> float:
    """Return :func:`after_tests` at step ``k``; what stands from it on, but tests, is not read."""
    years = 0.0
    for j in range(k - 1, -1, -1):
        if operated[j]:
            break
        if not np.isnan(expected[j]):
            begun, ended = t_years[k - 1] - t_years[j], t_years[k] - t_years[j]
            fading = np.exp(-begun / fades_years) - np.exp(-ended / fades_years)
            years = float(expected[j] * fades_years * fading)
            break
    since = float(t_years[k] - t_years[k - 1]) if k else 0.0
    if not np.isnan(expected[k]):
        years += float(expected[k]) * _DAY_YEARS
    return years / max(since, _DAY_YEARS)
