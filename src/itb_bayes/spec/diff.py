"""What differs between two models, in clinical units."""

from dataclasses import dataclass

from itb_bayes.spec.explain import interval_text
from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.priors import ResolvedPrior

ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting or prior that differs; ``a`` and ``b`` are "absent" where it is not there."""

    what: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class ModelDiff:
    """The differences between two models.

    Attributes
    ----------
    a, b : str
        Names of the models.
    digest_a, digest_b : str
        Their digests.
    differences : tuple of Difference
        Only of what can change a number; empty exactly when the digests agree.
    """

    a: str
    b: str
    digest_a: str
    digest_b: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """Return the differences as text, one block each."""
        if not self.differences:
            return f"{self.a} and {self.b} are the same model (digest {self.digest_a[:12]}).\n"
        lines = []
        for row in self.differences:
            lines += [row.what, f"  - {self.a}: {row.a}", f"  + {self.b}: {row.b}"]
        return "\n".join(lines) + "\n"


def diff_models(a: ModelSpec, b: ModelSpec) -> ModelDiff:
    """Compare two models: kind, terms, and resolved priors in clinical units.

    Parameters
    ----------
    a, b : ModelSpec
        The models.

    Returns
    -------
    ModelDiff
        Names, titles, sources and reasons are not compared.
    """
    left, right = _settings(a), _settings(b)
    rows = [
        Difference(what, left.get(what, (ABSENT, None))[0], right.get(what, (ABSENT, None))[0])
        for what in dict.fromkeys([*left, *right])
        if left.get(what) != right.get(what)
    ]
    return ModelDiff(a.name, b.name, a.digest, b.digest, tuple(rows))


def _settings(spec: ModelSpec) -> dict[str, tuple[str, object]]:
    """Return what is shown and what is compared, by dotted name."""
    found: dict[str, tuple[str, object]] = {"kind": (spec.kind, spec.kind)}
    for term, settings in spec.terms().items():
        for key, value in settings.items():
            found[f"{term}.{key}"] = (_plain(value), value)
    for name, prior in spec.resolved_priors.items():
        found[f"priors.{name}"] = (_prior_text(prior), _numbers(prior))
        for who, item in prior.by.items():
            found[f"priors.{name}.by.{who}"] = (_prior_text(item), _numbers(item))
    return found


def _numbers(prior: ResolvedPrior) -> tuple[object, ...]:
    return (prior.family, tuple(sorted(prior.params.items())))


def _prior_text(prior: ResolvedPrior) -> str:
    return f"{interval_text(prior)} (5-95 %; {prior.text})"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
