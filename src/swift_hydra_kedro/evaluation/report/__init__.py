"""The report of a benchmark: its tables as files, and all of it as one page."""
