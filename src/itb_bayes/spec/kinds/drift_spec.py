"""The resolved specification of a drift model."""

from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.terms import (
    CentreSpec,
    CovariatesSpec,
    NoiseSpec,
    ProcessSpec,
    SeriesSpec,
    TitrationSpec,
)


class DriftSpec(ModelSpec):
    """A drift model: the terms of `ModelSpec`'s kind ``drift``.

    Attributes
    ----------
    series, titration, process, noise, centre, covariates
        Term settings; see `itb_bayes.spec.terms`.
    """

    series: SeriesSpec
    titration: TitrationSpec
    process: ProcessSpec
    noise: NoiseSpec
    centre: CentreSpec
    covariates: CovariatesSpec
