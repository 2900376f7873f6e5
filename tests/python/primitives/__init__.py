"""Every primitive macro on every engine, against what Python says."""
