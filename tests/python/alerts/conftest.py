"""Servers on loopback, and a data folder to tell of."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.alerts.world import Hook, Mailbox, World, hook


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.made(tmp_path)


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as server:
        yield server


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    from aiosmtpd.controller import Controller

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box = Mailbox(free.getsockname()[1])
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def told(world: World, web: Hook) -> World:
    """A world in which everything goes to the web server at once."""
    world.configure(channels={"hook": {"urls": [web.url]}}, routes=[{"channels": ["hook"]}], delivery=QUICK)
    return world


QUICK = {"tries": 2, "timeout": "2 seconds", "give_up_after": "3 hours"}
