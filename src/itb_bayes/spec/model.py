"""The resolved specification of a model: what every kind has in common."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError

from itb_bayes.errors import ModelError
from itb_bayes.spec.base import Strict, Text
from itb_bayes.spec.digest import digest_of
from itb_bayes.spec.priors import PriorSpec, ResolvedPrior, resolve_prior
from itb_bayes.spec.registry import kind_named

FORMAT = 1
"""The model file format that this version reads and writes."""

Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Version = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]+(\.[0-9]+){0,3}$")]


class Header(Strict):
    """What every model file says about itself.

    Attributes
    ----------
    format : int
        Version of the file format.
    kind : str
        Which kind of model, for example ``drift``.
    name, version, title, summary : str
        Its name (lower case), version, one-line title and longer description.
    """

    format: Literal[1]
    kind: Text
    name: Name
    version: Version
    title: Text
    summary: str = ""


class ModelSpec(Header):
    """A model, resolved: terms and priors in full. Each kind adds its terms as fields.

    Attributes
    ----------
    extends : tuple of str
        The files that this one extends, nearest first.
    priors : dict of str to PriorSpec
        As stated, in clinical units.
    resolved_priors : dict of str to ResolvedPrior
        On the model scale.
    """

    extends: tuple[str, ...] = ()
    priors: dict[str, PriorSpec] = Field(default_factory=dict)
    resolved_priors: dict[str, ResolvedPrior] = Field(default_factory=dict)

    @classmethod
    def term_names(cls) -> tuple[str, ...]:
        """Return the names of the term tables of this kind, in file order."""
        return tuple(name for name in cls.model_fields if name not in ModelSpec.model_fields)

    def terms(self) -> dict[str, dict[str, Any]]:
        """Return the settings of every term as plain values."""
        return {name: getattr(self, name).model_dump(mode="json") for name in self.term_names()}

    @property
    def digest(self) -> str:
        """SHA-256 of everything that can change a number: kind, terms, resolved priors.

        Names, titles, sources and reasons are not part of it, nor is the order of keys.
        """
        priors = {name: prior.numbers() for name, prior in self.resolved_priors.items()}
        content = {
            "format": self.format,
            "kind": self.kind,
            "terms": self.terms(),
            "priors": priors,
        }
        return digest_of(content)

    def canonical(self) -> dict[str, Any]:
        """Return the specification in full, as plain JSON values, with its digest."""
        return {
            "format": self.format,
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "summary": self.summary,
            "extends": list(self.extends),
            "terms": self.terms(),
            "priors": _dump(self.priors),
            "resolved_priors": _dump(self.resolved_priors),
            "digest": self.digest,
        }

    @classmethod
    def from_canonical(cls, content: dict[str, Any]) -> Self:
        """Rebuild a specification from `canonical`, without any model file.

        Parameters
        ----------
        content : dict
            What `canonical` returned, perhaps by way of JSON.

        Returns
        -------
        ModelSpec
            Of the class of its kind.

        Raises
        ------
        ModelError
            When the content is incomplete, of another format, has been altered, or is not of
            this class.
        """
        spec = _rebuild(content)
        if not isinstance(spec, cls):
            raise ModelError(f"The stored model is of kind {spec.kind!r}, not a {cls.__name__}.")
        if spec.digest != content.get("digest"):
            raise ModelError(
                f"The stored model {spec.name!r} was altered: its digest is not that of its "
                "content. Fit again from the model file."
            )
        if set(spec.priors) != set(spec.resolved_priors):
            raise ModelError(
                f"The stored model {spec.name!r} was altered: stated and resolved priors are not "
                "the same ones. Fit again from the model file."
            )
        for name, prior in spec.priors.items():
            if not _agree(resolve_prior(name, prior), spec.resolved_priors.get(name)):
                raise ModelError(
                    f"The stored model {spec.name!r} was altered: the resolved prior {name!r} "
                    "does not follow from its statement. Fit again from the model file."
                )
        return spec


def _dump(priors: dict[str, Any]) -> dict[str, Any]:
    return {
        name: prior.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        for name, prior in sorted(priors.items())
    }


def _rebuild(content: dict[str, Any]) -> ModelSpec:
    if not isinstance(content, dict) or not isinstance(content.get("terms"), dict):
        raise ModelError("The stored model is incomplete: it has no terms.")
    if content.get("format") != FORMAT:
        raise ModelError(
            f"The stored model has format {content.get('format')!r}; this version reads {FORMAT}."
        )
    fields = {k: v for k, v in content.items() if k not in ("terms", "digest")}
    try:
        return kind_named(content.get("kind")).spec_class.model_validate(
            {**fields, **content["terms"]}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ModelError(f"The stored model is not readable: {place}: {first['msg']}.") from error


def _agree(fresh: ResolvedPrior, stored: ResolvedPrior | None) -> bool:
    if stored is None or fresh.family != stored.family or set(fresh.by) != set(stored.by):
        return False
    if set(fresh.params) != set(stored.params):
        return False
    close = all(
        abs(value - stored.params[name]) <= 1e-6 * max(1.0, abs(value))
        for name, value in fresh.params.items()
    )
    return close and all(_agree(prior, stored.by[who]) for who, prior in fresh.by.items())
