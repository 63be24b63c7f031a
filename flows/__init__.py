"""When, how often and how many at once: three lines, each from table to table.

    discover:  due feeds        ─▶ fetch ─▶ read feed                               ─▶ entries   (what is announced)
    collect:   pending entries  ─▶ fetch                                            ─▶ pages     (what the web answered)
    ingest:    unread pages     ─▶ read article ─▶ clean ─▶ fingerprint ─▶ settle   ─▶ stories   (what it means)
    upkeep:    stories          ─▶ learn what each source repeats                   ─▶ unread pages, and ingest again

In come settings from the environment and commands from a shell; out go flow runs, rows written by `load`, and lines on
a terminal. A line starts from what the one before has stored, so any of them may be killed and run again, by several
workers at once. This is the only folder that imports Prefect or reads settings; it never speaks SQL, and it decides
nothing about an article.
"""
