"""`tieout report`: one page of HTML from the published copy, for who answers for the books.

`figures` reads, `series` shapes days into trends, `plots` draws them, `sections` and `markup` write the page, `words`
says codes, dates and money as people do.
"""

from orchestration.page.figures import Scope
from orchestration.page.writing import write

__all__ = ["Scope", "write"]
