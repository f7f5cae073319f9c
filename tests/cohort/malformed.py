"""All malformed cohorts: the valid base cohort with one thing spoilt, and what must be said."""

from malformed_files import COLUMNS, FILES, METADATA
from malformed_rules import DOSE_RULES, RECORD_RULES
from malformed_values import VALUES
from malformed_years import YEARS

CASES = (*FILES, *METADATA, *COLUMNS, *VALUES, *DOSE_RULES, *RECORD_RULES, *YEARS)
