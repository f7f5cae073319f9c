"""The same linear mixed model, written for each of the tools that the benchmark compares."""
