"""Judging a canary: what is known of two versions goes in, a decision comes out. Nothing here reads or waits."""
