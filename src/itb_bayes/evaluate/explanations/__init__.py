"""Explanations judged visit by visit against what was truly there, or later confirmed."""
