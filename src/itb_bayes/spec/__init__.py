"""Model files: parsing, validation and resolved specifications."""
