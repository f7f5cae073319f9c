"""The source papers again: what they report beside the posterior, line by line."""
