"""The fits a reproduction needs: made once, kept beside its tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.fit import fit
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.spec import ModelSpec


@dataclass(frozen=True)
class Fitter:
    """Makes the fits of one run.

    Attributes
    ----------
    folder : Path
        Where fits are kept.
    settings : SamplerSettings
    quiet : bool
        No progress on stderr.
    """

    folder: Path
    settings: SamplerSettings
    quiet: bool = False

    def of(self, name: str, spec: ModelSpec, cohort: Cohort) -> Any:
        """Return the fit of a model to a cohort; a fit of the same name there is replaced.

        Raises
        ------
        GateError
            If it does not pass its convergence gate.
        """
        out = self.folder / name
        fit(spec, cohort, self.settings, out, force=True, quiet=self.quiet,
            command=("itb-bayes", "reproduce"))  # fmt: skip
        made = load_fit(out)
        made.require_gate()
        return made

    @property
    def provenance(self) -> dict[str, str]:
        """The settings in words."""
        s = self.settings
        return {
            "sampler": f"{s.chains} chains of {s.draws} draws after {s.tune} of warm-up",
            "seed": str(s.seed),
        }
