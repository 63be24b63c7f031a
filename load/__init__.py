"""Postgres: everything that reads or writes rows, and the server itself where none is given.

In come values of `extract` and `transform`; out go the same values, claimed rows of a queue, and reports. Every write
is keyed and can be repeated; what belongs together is one transaction. Its one call of a decision, in `settle`, is of
pure functions, under a lock. It never asks the web, and no SQLAlchemy row leaves it: what others read are values, what
analysts read are the views of schema `news`.
"""
