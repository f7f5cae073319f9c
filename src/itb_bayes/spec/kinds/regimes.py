"""The kind ``regimes``: is the rise tolerance, progression, a trigger, or the device?"""

from typing import Any

from itb_bayes.spec.kinds.regimes_equations import regimes_equations, regimes_notes
from itb_bayes.spec.kinds.regimes_needs import NEEDS
from itb_bayes.spec.kinds.regimes_spec import RegimesSpec
from itb_bayes.spec.problems import KeyPath
from itb_bayes.spec.registry import Kind, Terms


def _rules(terms: Terms) -> list[tuple[KeyPath, str]]:
    channels: Any = terms.get("channels")
    if channels and channels.ashworth == "no" and channels.dose == "no":
        message = '"no" for both ashworth and dose leaves nothing that speaks of the requirement'
        return [(("channels", "dose"), message)]
    return []


KIND = Kind(
    name="regimes",
    spec_class=RegimesSpec,
    needs=NEEDS,
    rules=_rules,
    equations=regimes_equations,
    notes=regimes_notes,
)
