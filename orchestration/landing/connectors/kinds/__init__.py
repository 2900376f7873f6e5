"""The kinds of connectors: one module each, found by its name. A helper's name begins with `_`."""

import importlib
import pkgutil
from typing import cast

from orchestration.landing.connectors.protocol import Kind


def kind_names() -> tuple[str, ...]:
    """The kinds that a declaration may name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def kind_of(name: str) -> Kind:
    """The module of a kind."""
    return cast(Kind, importlib.import_module(f"{__name__}.{name}"))
