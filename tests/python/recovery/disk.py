"""A disk of a few megabytes for a data folder: a tmpfs in a mount namespace of its own, which goes with its process."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.python.recovery.stage import Stage

MEGABYTES = 160
BLOCK = 4096


@dataclass(frozen=True)
class Disk:
    """The small disk, as this process sees it: `inside` is where a path of it lies."""

    process: subprocess.Popen[str]
    mount: Path

    def inside(self, path: Path) -> Path:
        """A path on the disk, from outside of its namespace."""
        return Path(f"/proc/{self.process.pid}/root{path}")

    @property
    def _ballast(self) -> Path:
        return self.inside(self.mount) / ".ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Fill it up but for some bytes."""
        free = os.statvfs(self.inside(self.mount))
        size = (free.f_bavail * free.f_frsize - leave) // BLOCK * BLOCK
        with self._ballast.open("ab") as file, suppress(OSError):
            while size > 0:
                size -= file.write(b"\0" * min(size, 1 << 20))

    def make_room(self) -> None:
        """Take away what fills it."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(stage: Stage) -> Iterator[tuple[Stage, Disk]]:
    """Have a stage's data folder on a small disk; afterwards it lies where it lay before, as it was on that disk, and
    there is room again."""
    root = stage.folder.root
    script = f'mount -t tmpfs -o size={MEGABYTES}m tmpfs "$1" && echo mounted && read line'
    aside = root.with_name("aside")
    shutil.rmtree(aside, ignore_errors=True)
    root.rename(aside)
    root.mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", str(root)], **pipes) as process:
        said = process.stdout.readline()
        assert said == "mounted\n", f"no disk of its own can be mounted (it takes root): {said}"
        disk = Disk(process, root)
        shutil.copytree(aside, disk.inside(root), symlinks=True, dirs_exist_ok=True)
        try:
            yield replace(stage, prefix=("nsenter", "--target", str(process.pid), "--mount", "--")), disk
        finally:
            disk.make_room()
            # Removing the folder here would take the disk away.
            shutil.copytree(disk.inside(root), root, symlinks=True, dirs_exist_ok=True)
            process.stdin.close()
