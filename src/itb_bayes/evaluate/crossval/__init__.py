"""Cross-validation of dose forecasts: honest about time, and about whose records were fitted."""
