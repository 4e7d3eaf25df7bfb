"""Connections before and between requests: read without a thread, until a request is whole; within limits.

gunicorn's parser alone says what a request is. What is here only decides when enough has come for it, and never reads
on for it: a mistake could refuse a request, but not make two of one.
"""
