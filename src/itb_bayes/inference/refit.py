"""Fits without a bundle: many of one design, compiled once; or one of a plan."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.inference.machinery import machinery_of
from itb_bayes.inference.sampling import (
    chain_batches,
    compile_model,
    in_coordinates,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.drift import build_drift, static_data
from itb_bayes.model.plan import DriftPlan
from itb_bayes.model.regimes import build_regimes, plan_data
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import DriftSpec, ModelSpec, RegimesSpec


class Refitter:
    """A compiled model whose doses can be replaced (the times and patients stay).

    Parameters
    ----------
    spec : DriftSpec
    plan : DriftPlan
    """

    def __init__(self, spec: DriftSpec, plan: DriftPlan) -> None:
        self.plan = plan
        self._compiled: Any = compile_model(build_drift(spec, plan))

    def sample(
        self, log_dose: NDArray[np.float64], settings: SamplerSettings, cores: int | None = None
    ) -> xr.DataTree:
        """Sample given other log doses at the same readings.

        ``cores`` is how many chains run at once (by default a whole batch); draws do not depend
        on it.

        Raises
        ------
        ValueError
            If ``log_dose`` has another shape than the plan, or is not finite: compiled code
            checks neither.
        """
        if log_dose.shape != self.plan.series.t_years.shape or not np.isfinite(log_dose).all():
            raise ValueError("log_dose must be finite and have one value per reading of the plan")
        compiled = self._compiled.with_data(
            log_dose=log_dose, static=static_data(self.plan, log_dose)
        )
        return _sample(compiled, settings, cores)


class RegimesRefitter:
    """A compiled regimes model that takes the records of other plans with the same groups.

    Parameters
    ----------
    spec : RegimesSpec
    plan : RegimesPlan
        Gives diagnoses, centres and channels.
    """

    def __init__(self, spec: RegimesSpec, plan: RegimesPlan) -> None:
        self.plan = plan
        self._compiled: Any = compile_model(build_regimes(spec, plan))

    def sample(
        self, plan: RegimesPlan, settings: SamplerSettings, cores: int | None = None
    ) -> xr.DataTree:
        """Sample given the records of a plan.

        ``cores`` is how many chains run at once (by default a whole batch); draws do not depend
        on it.

        Raises
        ------
        ValueError
            If the plan has other groups or channels than the compiled one: indexes would point
            elsewhere, and compiled code checks none.
        """
        ours = (self.plan.diagnoses, self.plan.centres, self.plan.channels)
        if (plan.diagnoses, plan.centres, plan.channels) != ours:
            raise ValueError("the plan has other groups or channels than the compiled model")
        compiled = self._compiled.with_data(**plan_data(plan))
        return _sample(compiled, settings, cores)


def sample_plan(
    spec: ModelSpec, plan: Any, settings: SamplerSettings, cores: int | None = None
) -> xr.DataTree:
    """Compile the model of a plan, of any kind, and sample it.

    Parameters
    ----------
    spec : ModelSpec
    plan : DriftPlan or RegimesPlan
    settings : SamplerSettings
    cores : int, optional
        Chains that run at once; draws do not depend on it.
    """
    compiled = compile_model(machinery_of(spec).build(spec, plan))
    return _sample(compiled, settings, cores)


def _sample(compiled: Any, settings: SamplerSettings, cores: int | None) -> xr.DataTree:
    target = in_coordinates(compiled, settings)
    return join_batches(
        [sample_batch(target, settings, batch, cores=cores) for batch in chain_batches(settings)]
    )
