"""Shared test set-up: quiet matplotlib, one private compile folder."""
