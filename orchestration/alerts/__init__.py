"""Alerts: the right people hear what happened, once. `alerts.yml` says who; docs/alerts.md says how.

`send_due` is all that others call: at the end of a run, from a schedule, by hand.
"""

from orchestration.alerts.sending import AlertReport, send_due, send_test
from orchestration.alerts.settings import FILE, load

__all__ = ["FILE", "AlertReport", "load", "send_due", "send_test"]
