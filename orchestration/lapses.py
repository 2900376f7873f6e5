"""What a run may go on without: a stream's own marts that say so, where the stream's policy lets it.

The steps of a ladder, what judges and what proves are never among them: books without one of these do not close.
"""

from collections.abc import Mapping
from typing import Any

STOP, CONTINUE = "stop_on_failure", "continue_on_noncritical"
ROOM = "marts"
KINDS = ("model", "seed", "snapshot")


def policy_of(stream: str | None, manifest: Mapping[str, Any]) -> str:
    """A stream's failure policy, as its page says; a run stops where it says nothing."""
    for group in manifest.get("groups", {}).values():
        if group["name"] == stream:
            said = ((group.get("config") or {}).get("meta") or {}).get("stream") or {}
            return str(said.get("failure_policy") or STOP)
    return STOP


def dispensable(manifest: Mapping[str, Any]) -> set[str]:
    """The ids of the models that a run may go on without. One that another node is made from is not among them, unless
    that one is."""
    nodes = manifest["nodes"]
    found = {
        unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model"
        and node["config"].get("schema") == ROOM
        and (meta := node["config"].get("meta") or {}).get("critical") is False
        and policy_of(meta.get("stream"), manifest) == CONTINUE
    }
    readers: dict[str, set[str]] = {unique_id: set() for unique_id in found}
    for unique_id, node in nodes.items():
        if node["resource_type"] in KINDS:
            for parent in node["depends_on"].get("nodes", []):
                if parent in readers:
                    readers[parent].add(unique_id)
    while True:
        needed = {unique_id for unique_id in found if readers[unique_id] - found}
        if not needed:
            return found
        found -= needed


def misplaced(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with models that say `critical: false` where it means nothing: anywhere but on a stream's mart."""
    said = []
    for node in manifest["nodes"].values():
        meta = node["config"].get("meta") or {}
        if node["resource_type"] not in KINDS or meta.get("critical") is not False:
            continue
        if node["config"].get("schema") != ROOM or not meta.get("stream"):
            said.append(
                f"{node['original_file_path']}: {node['name']} says `critical: false`; a run can only go on without a"
                f" model of models/{ROOM} that names its stream beside it (config.meta: {{stream: ..., critical:"
                " false}}). Take it out: what judges and what proves is always needed."
            )
    return said


def lapsed(unique_id: str, manifest: Mapping[str, Any], may_lapse: set[str]) -> set[str]:
    """The models that are done without because a node failed: itself, or those that a test looks at; none where the
    node is one that the books need."""
    node = manifest["nodes"].get(unique_id, {})
    if unique_id in may_lapse:
        return {unique_id}
    if node.get("resource_type") != "test" or "law" in node.get("tags", []):
        return set()
    looked_at = [
        parent
        for parent in node["depends_on"].get("nodes", [])
        if manifest["nodes"].get(parent, {}).get("resource_type") == "model"
    ]
    # A test of several models, one of them needed, says something of that one too.
    return set(looked_at) if looked_at and may_lapse.issuperset(looked_at) else set()
