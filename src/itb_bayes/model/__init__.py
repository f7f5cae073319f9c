"""From a specification and a cohort to a PyMC model."""
