"""Patient-level risk, forecasts and scores."""
