"""Streams shipped ready, and cloning one into a stream of one's own.

A template is a shipped stream: `templates/<stream>.yml` only says what nothing else says of it. A clone reads the
stream's own files and gives its stream, its ladders, its models and its marts new names.
"""

from orchestration.templates.clone import Clone, clone
from orchestration.templates.declared import Template, load_template, load_templates

__all__ = ["Clone", "Template", "clone", "load_template", "load_templates"]
