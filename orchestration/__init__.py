"""Tieout's orchestration: landing, the run, publishing, the command line and the Dagster definitions."""
