"""Scoring files: read, predict as the gateway does, write, so that a run which is killed goes on and ends the same.

The input is cut into parts of a fixed number of rows. Each part is written aside and renamed, a shard is a choice of
parts, and the output is all parts in the input's order.
"""
