"""The regimes likelihood as operations on arrays of all patients, for graphics processors."""
