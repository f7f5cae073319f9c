"""Hierarchical Bayesian models of long-term intrathecal baclofen dose trajectories."""

__version__ = "0.1.0"
