"""What the commands print: values in, lines out, for people on a terminal and for pipes alike.

Each module tells of one thing, mostly of what the module of that name in `load.report` has asked. A line is never cut,
and without a terminal never wrapped either, so that URLs stay whole. What came from the web is printed without control
characters: a title must not steer the terminal. The values are imported for their types only: a command has imported
those that it prints, and the others need not wait for them.
"""
