"""Scoring files: read, predict as the gateway does, write. A run that is killed resumes, and its output is the same.

The input is divided into parts of a fixed number of rows. Each part is written to a temporary file and renamed; a shard
is a subset of the parts, and the output is all parts in the order of the input.
"""
