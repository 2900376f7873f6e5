"""How Tieout itself is doing: numbers for a monitoring system (`metrics`), and whether all is well (`checks`)."""

from orchestration.health.metrics import write_metrics

__all__ = ["write_metrics"]
