"""Alembic's side of the store: `versions/` holds the steps from one form of the tables to the next, forward only."""
