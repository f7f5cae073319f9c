"""The regimes model written plainly in Stan."""
