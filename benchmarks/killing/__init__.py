"""Commands that are killed at every kind of moment, and what must be true afterwards."""
