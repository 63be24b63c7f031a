"""The reads behind the command line: rows as frozen values, one call a question. Nothing here writes.

Each module tells of one thing, which `flows.show` prints. What analysts may ask, too, is asked of the views in schema
`news`; but not of two at once where a base table will do: with more than eight tables in a join (join_collapse_limit)
Postgres looks no more for the best order, and reads all.
"""
