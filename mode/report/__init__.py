"""Report: one repaired model -> files and a page.

`workflow` repairs a saved model from files to files; `output` says what it did; `files` writes and
reads its results; `case` and `advice` are what the report page shows.
"""
