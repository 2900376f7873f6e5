"""Checks of a stream before it runs: registry, folders, declared columns, arrivals and policies."""
