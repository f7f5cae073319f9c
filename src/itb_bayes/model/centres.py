"""Centres coded for a model: which are named, and who belongs to which."""

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import ModelError


def code_centres(
    model: str, use: str, centre: NDArray[np.object_], otherwise: str, notes: list[str]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the labels of the centres and the position of each patient's among them.

    Parameters
    ----------
    model : str
        Name of the model, for messages.
    use : str
        ``auto``, ``yes`` or ``no``.
    centre : ndarray of object, shape (n_patient,)
        The column of the patients table.
    otherwise : str
        What to do instead of filling the column, for messages.
    notes : list of str
        Is told what "auto" came to.

    Returns
    -------
    (labels, index)
        No labels and noughts where the term is off.

    Raises
    ------
    ModelError
        If centres are asked for, or named for some patients, but not for all.
    """
    nowhere = np.zeros(centre.size, dtype=np.int64)
    if use == "no":
        return (), nowhere
    recorded = np.array([isinstance(name, str) for name in centre])
    labels = tuple(sorted(set(centre[recorded])))
    if recorded.all() and len(labels) >= 2:
        notes.append(f"centre effects on: {len(labels)} centres")
        return labels, np.searchsorted(np.array(labels), centre.astype(str)).astype(np.int64)
    missing = int((~recorded).sum())
    if use == "yes" or (missing and len(labels) >= 2):
        raise ModelError(
            f"model {model!r} has a centre term, but {missing} of {centre.size} patients have "
            f"no centre and {len(labels)} centres are named (at least 2 are needed, for all "
            f"patients). Fill the column `centre` of patients, or {otherwise}."
        )
    notes.append("centre effects off: fewer than two centres recorded")
    return (), nowhere
