"""Counting what a kernel does: floating-point operations, and array elements read and written."""
