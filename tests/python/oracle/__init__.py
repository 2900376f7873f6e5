"""The oracle: plain, slow Python that says what Tieout must answer.

It is written from the design and `docs/architecture.md`, never from the SQL, and prefers the obvious over the fast.
An org's deliveries and an `as_of` go in; results, rejected records, control totals and open exceptions come out.
The property tests hold the warehouse against it.
"""

from tests.python.oracle.answer import Answer, answer
from tests.python.oracle.deliveries import Delivery
from tests.python.oracle.results import ResultRow, results_hash

__all__ = ["Answer", "Delivery", "ResultRow", "answer", "results_hash"]
