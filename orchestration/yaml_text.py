"""Texts in YAML, as libyaml reads them where PyYAML has it: every run reads the registry and all feeds, which takes
PyYAML itself a tenth of a second and more."""

from typing import Any

import yaml

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """What a text says.

    Raises:
        yaml.YAMLError: it is no YAML; PyYAML's own words show the place.
    """
    try:
        return yaml.load(text, Loader=_FAST)
    except yaml.YAMLError:
        return yaml.safe_load(text)
