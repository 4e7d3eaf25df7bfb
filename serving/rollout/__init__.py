"""Raises a canary's share step by step: reads what both versions do, asks the judge, and writes the weights."""
