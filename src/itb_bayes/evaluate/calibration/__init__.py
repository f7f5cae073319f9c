"""Simulation-based calibration: does a model recover parameters from data it made itself."""
