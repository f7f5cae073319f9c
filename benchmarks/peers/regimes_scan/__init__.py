"""The regimes model written plainly in PyMC: the switching filter as a ``pytensor.scan``."""
