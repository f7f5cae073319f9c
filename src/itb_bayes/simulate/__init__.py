"""The agent-based clinic that makes synthetic cohorts.

It is deliberately not one of the models the package fits, so that those can be judged on
data whose mechanism is not theirs.
"""

from itb_bayes.simulate.clinic import SimulatedCohort, simulate_cohort, simulate_patient
from itb_bayes.simulate.folder import render_files, write_cohort
from itb_bayes.simulate.presets import load_settings, preset_names
from itb_bayes.simulate.schema import Settings

__all__ = [
    "Settings",
    "SimulatedCohort",
    "load_settings",
    "preset_names",
    "render_files",
    "simulate_cohort",
    "simulate_patient",
    "write_cohort",
]
