"""The mini project for both engines: twenty runs of it cost what six of the real one do."""

from pathlib import Path

import yaml

from tests.python.pipeline.conftest import copy_of_mini
from tests.python.ready import ROOT

MACROS = """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- return(env_var('TIEOUT_SCHEMA_PREFIX', '') ~ (custom_schema_name or target.schema)) -}}
{%- endmacro %}

{% macro landed() -%}
    (
        select *
        from {{ env_var('TIEOUT_SCHEMA_PREFIX', '') }}landing.pos__orders
        where _received_at <= timestamp '{{ dbt_metadata_envs.get("TIEOUT_AS_OF") | replace("Z", "") }}'
    )
{%- endmacro %}
"""


def mini_on_postgres(folder: Path) -> Path:
    """A copy of the mini project that builds on Postgres."""
    project = copy_of_mini(folder)
    real = yaml.safe_load((ROOT / "profiles.yml").read_text())
    profile = {"mini": {"target": "postgres", "outputs": {"postgres": real["tieout"]["outputs"]["postgres"]}}}
    (project / "profiles.yml").write_text(yaml.safe_dump(profile))
    (project / "macros" / "mini.sql").write_text(MACROS)
    results = project / "models" / "marts" / "reconciliation_results.sql"
    text = results.read_text().replace(
        "hash(_org_id, order_id, total) >> 4", "hashtextextended(_org_id || order_id || total, 0) / 16"
    )
    results.write_text(text)
    summary = project / "models" / "marts" / "reconciliation_summary.sql"
    summary.write_text(summary.read_text().replace("group by all", "group by org_id, stream, result"))
    return project
