"""Documents: where they come from, their labels, their words."""
