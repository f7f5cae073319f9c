"""Rules across columns, rows and tables of a cohort."""
