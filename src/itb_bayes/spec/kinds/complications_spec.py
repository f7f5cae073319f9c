"""The resolved specification of a complications model."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from itb_bayes.literature.counts import COMPLICATIONS, complication_counts
from itb_bayes.spec.base import Strict
from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.problems import did_you_mean, toml_text
from itb_bayes.spec.terms import Switch


def _check_names(value: Any, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'must be a list of names, for example ["{known[0]}"]')
    for item in value:
        if item not in known:
            raise ValueError(f"unknown {what} {toml_text(item)}{did_you_mean(item, known)}")
        if list(value).count(item) > 1:
            raise ValueError(f"names {item!r} twice")
    return tuple(name for name in known if name in value)


def _check_complications(value: Any) -> tuple[str, ...]:
    found = _check_names(value, COMPLICATIONS, "complication")
    if not found:
        raise ValueError("must name at least one complication")
    return found


def _check_studies(value: Any) -> tuple[str, ...]:
    known = tuple(dict.fromkeys(cell.source for cell in complication_counts()))
    return _check_names(value, known, "study")


class StudiesSpec(Strict):
    """Which published counts enter.

    Attributes
    ----------
    complications : tuple of str
        What is counted.
    leave_out : tuple of str
        Studies not used, by the key of their source (`itb-bayes literature sources`).
    """

    complications: Annotated[tuple[str, ...], BeforeValidator(_check_complications)]
    leave_out: Annotated[tuple[str, ...], BeforeValidator(_check_studies)]


class OwnCentresSpec(Strict):
    """The cohort's own centres as further studies; "auto": where events are recorded."""

    use: Switch


class ComplicationsSpec(ModelSpec):
    """A complications model: the terms of `ModelSpec`'s kind ``complications``.

    Attributes
    ----------
    studies, own_centres
        Term settings.
    """

    studies: StudiesSpec
    own_centres: OwnCentresSpec
