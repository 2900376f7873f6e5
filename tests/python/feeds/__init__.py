"""Feeds: files land, are staged and become canonical records, on every engine."""
