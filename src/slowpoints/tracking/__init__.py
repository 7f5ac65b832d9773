"""Runs in MLflow, and the same in their output folders."""
