"""Patients of different parts whose identifiers a reader may take for one another."""

import hashlib

from itb_bayes.cohort.partitions import Partitions
from itb_bayes.report.naming import label_of, looks


def shared_looks(partitions: Partitions) -> dict[int, frozenset[str]]:
    """Return what labels of several patients share, by the parts that these patients lie in.

    Reads the identifiers alone, and keeps a digest of each; parts without such patients, and so
    nearly all, are left out.

    Raises
    ------
    CohortError
        If identifiers cannot be read.
    """
    seen: set[bytes] = set()
    shared: set[str] = set()
    for number in range(partitions.n_parts):
        for who in partitions.identities(number):
            look = looks(label_of(who))
            key = hashlib.blake2b(look.encode("utf-8", "surrogatepass"), digest_size=12).digest()
            if key in seen:
                shared.add(look)
            seen.add(key)
    if not shared:
        return {}
    found = {
        number: frozenset(looks(label_of(who)) for who in partitions.identities(number)) & shared
        for number in range(partitions.n_parts)
    }
    return {number: own for number, own in found.items() if own}
