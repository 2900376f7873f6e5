"""`make dagster`: `dagster dev` with its home inside the data folder and with the settings that Tieout needs."""

import os
import shutil
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


@click.command()
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("data"))
@click.option("--port", default=3000, show_default=True)
def main(data_dir: Path, port: int) -> None:
    """Parse the dbt project and open Dagster on it."""
    data = DataDir.at(data_dir)
    # Absolute, because Dagster's processes work in folders of their own.
    os.environ.update(TIEOUT_DATA_DIR=str(data.root), DAGSTER_HOME=str(home(data)))
    try:
        from orchestration.dagster_assets import manifest_path

        manifest_path(project_dir())
    except UsageError as error:
        raise SystemExit(str(error)) from error
    dagster = Path(sys.executable).parent / "dagster"
    # In this process's place, so that Ctrl-C reaches Dagster, which stops on nothing else.
    os.execv(dagster, [str(dagster), "dev", "-m", "orchestration.definitions", "-p", str(port)])


if __name__ == "__main__":
    main()
