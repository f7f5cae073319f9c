"""Numerical kernels (numba) and their plain numpy references."""
