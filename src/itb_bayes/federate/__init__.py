"""Centres that may not share records: each fits by itself, and their posteriors are combined."""
