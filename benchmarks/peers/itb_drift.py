"""itb_bayes itself: patient effects integrated out, sampled by nutpie."""

from dataclasses import replace
from typing import Any

from itb_bayes.cohort import Cohort
from itb_bayes.inference.sampling import (
    chain_batches,
    compile_model,
    in_coordinates,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import DRIFT_PROFILES
from itb_bayes.model.drift import build_drift
from itb_bayes.model.plan import plan_drift
from itb_bayes.spec import DriftSpec, load_model
from peers.run import Draws, Run, load_labels, named_values


class ItbDrift:
    """A shipped drift model, read from the cohort folder as a user would."""

    def __init__(self, model: str) -> None:
        self._model = model

    def prepare(self, run: Run) -> Any:
        """Validate the cohort, lay the model over it, build and compile."""
        spec = load_model(self._model)
        if not isinstance(spec, DriftSpec):
            raise TypeError(f"{self._model} is not a drift model")
        plan = plan_drift(spec, Cohort.read(run.folder / "cohort"))
        load_labels()
        return compile_model(build_drift(spec, plan))

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Sample as `fit` does by default: round coordinates, half the usual warm-up."""
        standard = DRIFT_PROFILES["standard"]
        tune = max(run.tune * standard.tune // standard.draws, 50)
        settings = replace(standard, draws=run.draws, tune=tune, chains=run.chains, seed=run.seed)
        target = in_coordinates(prepared, settings)
        batches = chain_batches(settings)
        tree = join_batches([sample_batch(target, settings, batch) for batch in batches])
        divergences = int(tree["sample_stats"]["diverging"].sum())
        return Draws(named_values(tree["posterior"].to_dataset()), divergences)
