"""Reads that cross tables. `visible.visible_cases` stands before every page, search, count, export and attachment."""
