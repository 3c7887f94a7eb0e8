"""A page to explore one classifier and its data.

subject -> views and panels -> page -> server. Importing this package loads nothing heavy; the
notebook `09-explore` and the command `explore` show the page.
"""
