"""How dbt's nodes look as assets: group, owner and tags."""

from collections.abc import Mapping, Sequence
from typing import Any

from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.streams import StreamPage


class Translator(DagsterDbtTranslator):
    """dbt nodes as assets: a stream's models in its group, with its owner, schedule and failure policy; all others in
    the room that they stand in."""

    def __init__(self, pages: Mapping[str, StreamPage] | None = None) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._pages = dict(pages or {})

    def stream_of(self, props: Mapping[str, Any]) -> str | None:
        """The stream that a node belongs to: that of its dbt group, or, of a mart, the one that it says."""
        config = props.get("config") or {}
        named = config.get("group") or (config.get("meta") or {}).get("stream")
        return named if named in self._pages else None

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stream; else the schema is the room: staging, canonical, reconciliation, marts, audit, reference."""
        schema = (dbt_resource_props.get("config") or {}).get("schema")
        return self.stream_of(dbt_resource_props) or schema or super().get_group_name(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """Who answers for the stream."""
        stream = self.stream_of(dbt_resource_props)
        email = self._pages[stream].owner_email if stream else None
        return [email] if email else super().get_owners(dbt_resource_props)

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """dbt's tags, and when and how the stream runs."""
        tags = dict(super().get_tags(dbt_resource_props))
        stream = self.stream_of(dbt_resource_props)
        if stream:
            page = self._pages[stream]
            tags |= {"tieout/stream": stream, "tieout/failure_policy": page.failure_policy}
            if page.schedule:
                tags["tieout/schedule"] = page.schedule
        return tags
