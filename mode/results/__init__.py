"""Rows of measurements: where they are kept, and the record of the run that made them."""

from mode.results.files import write_text, write_whole
from mode.results.records import write_record
from mode.results.rows import PARTIAL, VOLATILE, read_partial, read_rows, write_rows

__all__ = [
    "PARTIAL",
    "VOLATILE",
    "read_partial",
    "read_rows",
    "write_record",
    "write_rows",
    "write_text",
    "write_whole",
]
