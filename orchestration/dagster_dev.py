"""`make up`: Dagster's page and its daemon on this machine, with their home inside the data folder and the settings
that Tieout needs. Everything that is due then runs by itself until Ctrl-C."""

import os
import shutil
import signal
import sys
from pathlib import Path

import click

from orchestration.data_dir import DataDir
from orchestration.errors import UsageError
from orchestration.project import project_dir

SETTINGS = Path(__file__).with_name("dagster.yaml")


def home(data: DataDir) -> Path:
    """Dagster's home in a data folder, with our settings in it."""
    folder = data.root / ".dagster"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(SETTINGS, folder / "dagster.yaml")
    return folder


def command(port: int, host: str) -> list[str]:
    """Page, daemon and code in one: `dagster dev`."""
    dagster = Path(sys.executable).parent / "dagster"
    return [str(dagster), "dev", "-m", "orchestration.definitions", "-p", str(port), "-h", host]


@click.command()
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("data"))
@click.option("--port", default=3000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The page has no login: only this machine.")
def main(data_dir: Path, port: int, host: str) -> None:
    """Parse the dbt project and start Dagster on it."""
    data = DataDir.at(data_dir)
    # Absolute, because Dagster's processes work in folders of their own.
    os.environ.update(TIEOUT_DATA_DIR=str(data.root), DAGSTER_HOME=str(home(data)))
    data.inbox.mkdir(exist_ok=True)
    try:
        from orchestration.manifests import manifest_path

        manifest_path(project_dir())
    except UsageError as error:
        raise SystemExit(str(error)) from error
    # A shell's `&` leaves Ctrl-C ignored, and Dagster treats a request to end as it does Ctrl-C: nothing but SIGKILL
    # would end it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # In this process's place, so that Ctrl-C reaches Dagster, which stops on nothing else.
    os.execv(command(port, host)[0], command(port, host))


if __name__ == "__main__":
    main()
