"""The switching filter of the regimes model: kernels and their plain references."""
