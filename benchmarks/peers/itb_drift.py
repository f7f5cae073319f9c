"""itb_bayes itself: patient effects integrated out, sampled by nutpie."""

from typing import Any

from itb_bayes.cohort import Cohort
from itb_bayes.inference.sampling import (
    chain_batches,
    compile_model,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.drift import build_drift
from itb_bayes.model.plan import plan_drift
from itb_bayes.spec import DriftSpec, load_model
from peers.run import Draws, Run, named_values


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
        return compile_model(build_drift(spec, plan))

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Sample with the package's own settings (target acceptance 0.9)."""
        settings = SamplerSettings(run.draws, run.tune, run.chains, seed=run.seed)
        batches = chain_batches(settings)
        tree = join_batches([sample_batch(prepared, settings, batch) for batch in batches])
        divergences = int(tree["sample_stats"]["diverging"].sum())
        return Draws(named_values(tree["posterior"].to_dataset()), divergences)
