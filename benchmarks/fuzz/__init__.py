"""Generated and damaged cohorts and model files, and what must hold of whatever is read from them."""
