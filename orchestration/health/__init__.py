"""How Tieout itself is doing: numbers for a monitoring system, and whether all is well."""
