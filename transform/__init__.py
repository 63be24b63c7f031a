"""Articles → clean texts, fingerprints, matches, stories: values in, values out.

In come an article with its blocks, pairs of texts to compare, and matches with the stories around them; out go the text
without its boilerplate and every cut with its rule, a fingerprint, a verdict with all that was measured, and what
becomes of the stories (`model`). It never reads a clock, a file other than its own rule packs, a socket or a row, and
never writes a log: so each answer can be had again from the same values.
"""
