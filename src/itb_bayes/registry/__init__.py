"""Cohorts too large for one machine's memory, and many machines: part by part, on Dask."""
