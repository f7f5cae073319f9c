"""The data contract: reading, validating and describing a cohort."""

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.description import CohortDescription, describe
from itb_bayes.cohort.invalid import InvalidCohort
from itb_bayes.cohort.problems import Problem
from itb_bayes.cohort.wide import import_wide

__all__ = ["Cohort", "CohortDescription", "InvalidCohort", "Problem", "describe", "import_wide"]
