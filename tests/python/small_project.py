"""A small dbt project with our macros and nothing else of ours, built by dbt alone."""

import os
from pathlib import Path

from tests.python import ready
from tests.python.ready import ROOT

PROJECT = """
name: tieout
version: "0.1.0"
config-version: 2
profile: tieout
model-paths: [models]
macro-paths: [macros]
models: {{tieout: {{+materialized: table, +schema: {schema}}}}}
flags: {{send_anonymous_usage_stats: false}}
"""


def lay_out(project: Path, schema: str) -> None:
    """Make the project's folder; its models, which go into one schema, are the caller's."""
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(PROJECT.format(schema=schema), encoding="utf-8")
    (project / "profiles.yml").write_bytes((ROOT / "profiles.yml").read_bytes())
    (project / "macros").mkdir()
    for macro in (ROOT / "macros").rglob("*.sql"):
        (project / "macros" / macro.name).write_bytes(macro.read_bytes())


def build(project: Path, target: str, settings: dict[str, str]) -> None:
    """Build all of its models."""
    done = ready.run(
        *("--no-use-colors", "run", "--project-dir", project, "--profiles-dir", project, "--target", target),
        cwd=project,
        env={**os.environ, **settings},
        program=ready.DBT,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
