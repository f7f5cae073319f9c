"""Prior and posterior checks."""
