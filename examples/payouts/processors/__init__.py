"""The processors: how each books, pays out and exports."""
