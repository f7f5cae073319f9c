"""Numerical kernels (numba) and their plain numpy references."""

from itb_bayes.caching import prepare_compile_cache

prepare_compile_cache()
