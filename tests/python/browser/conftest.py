"""Dagster's pages in a real browser: what `make up` starts, on a small project of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, sync_playwright

from tests.python.pipeline.conftest import copy_of_mini

ROOT = Path(__file__).resolve().parents[3]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A folder for pictures of the pages; none are taken without it.
PICTURES = "TIEOUT_SCREENSHOTS"
# What keeps Chromium from looking for its makers' hosts.
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
UP_WITHIN, STOP_WITHIN = 90, 30  # seconds, on a machine that does other things too


@dataclass(frozen=True)
class Served:
    """Dagster as `make up` starts it: where its page is, and the folders behind it."""

    url: str
    data: Path
    project: Path

    def deliver(self, name: str, *orders: str) -> None:
        """Put a file of orders into the inbox, complete; each order is `id:minor units`."""
        folder = self.data / "inbox" / "acme" / "pos" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{o.split(':')[0]},S1,EUR,{o.split(':')[1]},2026-03-01T10:00:00Z,1" for o in orders]
        (folder / name).write_text("\n".join(["order_id,store_id,currency,total,sold_at,revision", *lines, ""]))

    def records(self) -> list[dict[str, Any]]:
        """The run records, oldest first."""
        return [json.loads(file.read_text()) for file in sorted((self.data / "runs").glob("*.json"))]


def mini_with_a_late_feed(folder: Path) -> Path:
    """The mini project, with a feed of which a delivery is due every minute, and marts that the report can read: their
    columns are those of the contracts."""
    project = copy_of_mini(folder / "mini")
    for mart in yaml.safe_load((ROOT / "models" / "marts" / "_marts.yml").read_text())["models"]:
        columns = [f"cast(null as {column['data_type']}) as {column['name']}" for column in mart["columns"]]
        text = f"-- depends_on: {{{{ source('pos', 'orders') }}}}\nselect {', '.join(columns)} where false\n"
        (project / "models" / "marts" / f"{mart['name']}.sql").write_text(text)
    sources = project / "models" / "staging" / "pos" / "_pos__sources.yml"
    declared = sources.read_text()
    expected = 'feed: {expected: {cron: "* * * * *"}, kind: records'
    assert "feed: {kind: records" in declared
    sources.write_text(declared.replace("feed: {kind: records", expected))
    return project


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Webserver and daemon, up as `make up &` of a script starts them, which leaves Ctrl-C ignored. They stop when
    asked to end."""
    folder = tmp_path_factory.mktemp("served")
    project, data = mini_with_a_late_feed(folder), folder / "data"
    data.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.dagster_dev", "--data-dir", str(data), "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "TIEOUT_PROJECT_DIR": str(project), "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _until_up(url, process, folder / "up.log")
        yield Served(url, data, project)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"`make up` did not end within {STOP_WITHIN} seconds of SIGTERM") from error


def _until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + UP_WITHIN
    while time.monotonic() < ends:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"no page after {UP_WITHIN} seconds:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of the machine's Chromium, as wide as a desk's screen."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def picture(page: Page, name: str) -> None:
    """Take a picture of the page where `TIEOUT_SCREENSHOTS` names a folder for it."""
    folder = os.environ.get(PICTURES)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
