"""Scores, comparisons and calibration of models."""
