"""`tieout quick`: two files, one reconciliation, no edit of any project.

It is a stream like any other, of one step, in a small project that is made for it from the shared core of the real
one: landing, macros, laws and marts are the same. It works in a scratch data folder, and keeps results and a record.
"""

from orchestration.quick.options import Options
from orchestration.quick.work import Answer, run

__all__ = ["Answer", "Options", "run"]
