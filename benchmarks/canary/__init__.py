"""Thousands of simulated canaries, good and bad, before the judge: how many it rolls back, when, and at what cost."""
