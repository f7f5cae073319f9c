"""How long and how to sample: never part of a model file."""

from dataclasses import asdict, dataclass
from typing import Any

from itb_bayes.errors import UsageError

METRICS = ("diagonal", "whitened")
BACKENDS = ("numba", "jax")


@dataclass(frozen=True)
class SamplerSettings:
    """Settings of the No-U-Turn sampler.

    Attributes
    ----------
    draws, tune : int
        Kept and warm-up draws per chain.
    chains : int
    target_accept : float
    seed : int
        Everything random in a fit derives from it.
    metric : str
        Coordinates in which is sampled: ``diagonal`` (the parameters', scales learned in warm-up)
        or ``whitened`` (round ones, from the posterior's mode and curvature;
        :mod:`itb_bayes.inference.whitening`).
    backend : str
        What compiles the model: ``numba``, or ``jax`` for graphics processors
        (:mod:`itb_bayes.inference.jax_model`).
    """

    draws: int
    tune: int
    chains: int = 4
    target_accept: float = 0.95
    seed: int = 1
    metric: str = "diagonal"
    backend: str = "numba"

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        for name, least in (("draws", 50), ("tune", 50), ("chains", 2)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} must be at least {least} (got {getattr(self, name)}); convergence "
                    "cannot be judged on less."
                )
        if not 0.5 <= self.target_accept < 1.0:
            raise UsageError(
                f"target_accept must lie in [0.5, 1) (got {self.target_accept}); 0.95 is usual."
            )
        if self.metric not in METRICS:
            raise UsageError(f"no metric {self.metric!r}; choose one of {', '.join(METRICS)}.")
        if self.backend not in BACKENDS:
            raise UsageError(f"no backend {self.backend!r}; choose one of {', '.join(BACKENDS)}.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed must lie between 0 and {2**32 - 1} (got {self.seed}).")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)


PROFILES = {
    "quick": SamplerSettings(draws=500, tune=500, target_accept=0.95),
    "standard": SamplerSettings(draws=1000, tune=1000, target_accept=0.95),
    "paper": SamplerSettings(draws=2500, tune=1500, target_accept=0.97),
}

DRIFT_PROFILES = {
    "quick": SamplerSettings(draws=500, tune=300, target_accept=0.9, metric="whitened"),
    "standard": SamplerSettings(draws=1000, tune=500, target_accept=0.9, metric="whitened"),
    "paper": SamplerSettings(draws=2500, tune=1000, target_accept=0.95, metric="whitened"),
}
"""Of models of kind ``drift``: the level of a diagnosis goes closely with those of its centres.
Round coordinates are known before the first draw; warm-up has only the step size to find."""

REGIMES_PROFILES = {
    "quick": SamplerSettings(draws=500, tune=200, target_accept=0.8, metric="whitened"),
    "standard": SamplerSettings(draws=1000, tune=300, target_accept=0.8, metric="whitened"),
    "paper": SamplerSettings(draws=2500, tune=500, target_accept=0.9, metric="whitened"),
}
"""Of models of kind ``regimes``: a hundred parameters, a few pairs of which go closely together."""


_OF_KIND = {"drift": DRIFT_PROFILES, "regimes": REGIMES_PROFILES}


def profile_settings(profile: str, kind: str = "", **changes: Any) -> SamplerSettings:
    """Return the settings of a profile for a kind of model, with fields changed where not None.

    Raises
    ------
    UsageError
        If there is no such profile, or a setting cannot work.
    """
    profiles = _OF_KIND.get(kind, PROFILES)
    if profile not in profiles:
        raise UsageError(f"no profile {profile!r}; choose one of {', '.join(profiles)}.")
    base = profiles[profile].as_dict()
    base.update({name: value for name, value in changes.items() if value is not None})
    return SamplerSettings(**base)
