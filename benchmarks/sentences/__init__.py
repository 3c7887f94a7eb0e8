"""The sentences and tables with measured numbers in the Markdown pages, from committed results.

Between two markers of a page stands a generated section:

    <!-- from: selection.findings -->
    ...
    <!-- end -->

Its text is the section `findings` of `selection.md` beside this file. The numbers that it names in
braces are those that `values` of `selection.py` takes from the committed tables. To change a
sentence, change its template and call `python -m benchmarks.sentences`, which writes all pages.

What a sentence says in words is derived from the tables, or `values` confirms it: a table that no
longer supports a sentence is an error.
"""
