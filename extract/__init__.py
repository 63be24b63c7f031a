"""From bytes of the web to articles.

In come URLs, feeds, sitemaps, archived pages and the files that describe publishers; out go the frozen values of
`extract.model`: feed entries, pages, articles, or the reason why there is none. `fetch` with its guard `addresses`,
`warc` and `files` touch network and disk; every other module is pure: bytes and values in, values out.
Nothing here knows the store, other articles or when to do what.
"""
