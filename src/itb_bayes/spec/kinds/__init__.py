"""The kinds of model, one module each."""
