"""The agent-based clinic that makes synthetic cohorts."""
