"""A page to look around in: one classifier, its data, and what the three methods say of them.

subject -> panels (arithmetic first, then widgets) -> page -> served by Voila. Importing this
package loads nothing heavy; the notebook `09-explore` and the command `explore` show the page.
"""
