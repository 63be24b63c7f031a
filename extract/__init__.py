"""Bytes from the web → articles: fetching, archiving and parsing.

In come source files, URLs, and bytes of feeds, sitemaps, robots.txt and pages; out go feed entries, pages, and articles
or the reason why there is none (`model`). Only `fetch`, `warc` and `files` do input and output, every other module is
pure: the same bytes read the same, whenever and after whatever. It never knows of another article, of a story, of the
database or of Prefect.
"""
