"""Sampling, the convergence gate and the fit bundle."""
