"""Sampling, the convergence gate and the fit bundle."""

from itb_bayes.caching import prepare_compile_cache

prepare_compile_cache()  # before PyTensor is imported: its folder cannot be changed afterwards
