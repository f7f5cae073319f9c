"""The data contract: reading, validating and describing a cohort."""
