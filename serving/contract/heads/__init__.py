"""Heads: each reads one of the model's outputs and makes answers of it."""
