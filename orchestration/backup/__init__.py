"""Backup and restore: what cannot be made again, in one place that proves itself.

Landing, artifacts, run records and the audit cannot be rebuilt; everything else of a data folder is made from them by
the next run. A backup holds the former with a SHA-256 of every file (docs/deploy.md).
"""

from orchestration.backup.creation import Made, create
from orchestration.backup.manifest import BackupError, Manifest
from orchestration.backup.reading import Checked, listed, verify
from orchestration.backup.restoring import Restored, restore

__all__ = ["BackupError", "Checked", "Made", "Manifest", "Restored", "create", "listed", "restore", "verify"]
