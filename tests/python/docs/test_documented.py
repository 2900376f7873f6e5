"""Everything that dbt documents is described, and what is described is there."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.publish import MARTS
from tests.python.examples.reconciled import Reconciled, of_the_examples

ROOT = Path(__file__).resolve().parents[3]

# Macros that implement another one for an engine, or that only their own folder calls.
PRIVATE = re.compile(r"_|(default|duckdb|postgres|spark)__")
SIGNATURE = re.compile(r"{%-?\s*(macro|test|data_test)\s+(\w+)\s*\((.*?)\)\s*-?%}", re.DOTALL)

# Made by landing beside the declared columns of every feed (docs/architecture.md).
LANDED = {"_org_id", "_batch_id", "_source_file", "_received_at", "_row_number"}

# The delivered header; on DuckDB it stands in the batch's manifest alone.
ONLY_ON_POSTGRES = {"source.tieout.landing.batches": {"columns"}}


@pytest.fixture
def documented(examples: Reconciled, tmp_path: Path) -> dict[str, Any]:
    """What `dbt docs generate` says of the examples' run: its manifest and its catalog."""
    data = examples.copy(tmp_path / "data")
    target = data / ".dbt" / "duckdb"
    # In a process of its own: it leaves nothing behind in this one.
    command = [Path(sys.executable).parent / "dbt", "docs", "generate", "--no-compile"]
    command += ["--project-dir", ROOT, "--profiles-dir", ROOT, "--target", "duckdb"]
    command += ["--target-path", target, "--log-path", data / "logs"]
    variables = {"TIEOUT_DATA_DIR": str(data), "TIEOUT_DUCKDB_PATH": str(data / "warehouse.duckdb")}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return {name: json.loads((target / f"{name}.json").read_text()) for name in ("manifest", "catalog")}


def _described() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource of every YAML file that dbt reads, as `kind name` and its entry."""
    folders = [ROOT / name for name in ("models", "macros", "seeds", "snapshots", "tests/laws", "tests/generic")]
    for file in sorted(path for folder in folders for path in folder.rglob("*.yml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for source in document.get("sources", []):
            yield f"source {source['name']}", {key: source[key] for key in source if key != "tables"}
            for table in source["tables"]:
                yield f"source {source['name']}.{table['name']}", table
        for kind in ("models", "seeds", "snapshots", "macros", "groups", "exposures", "data_tests", "unit_tests"):
            for entry in document.get(kind, []):
                yield f"{kind[:-1]} {entry['name']}", entry


def _signatures(file: Path) -> list[tuple[str, dict[str, bool]]]:
    """The public macros of a file with their arguments, and whether each has a default."""
    found = []
    for kind, name, arguments in SIGNATURE.findall(file.read_text(encoding="utf-8")):
        if not PRIVATE.match(name):
            # Defaults hold no commas outside brackets; what is inside brackets has no name of its own.
            flat = re.sub(r"\[[^\]]*\]|{[^}]*}", "x", arguments)
            pairs = [argument.split("=") for argument in flat.split(",") if argument.strip()]
            found.append(
                (name if kind == "macro" else f"test_{name}", {pair[0].strip(): len(pair) > 1 for pair in pairs})
            )
    return found


def _macro_files() -> list[Path]:
    return sorted([*(ROOT / "macros").rglob("*.sql"), *(ROOT / "tests" / "generic").rglob("*.sql")])


def test_every_resource_and_column_is_described() -> None:
    faults = []
    for name, entry in _described():
        if not str(entry.get("description") or "").strip():
            faults.append(f"{name} has no description")
        for column in entry.get("columns", []):
            if not str(column.get("description") or "").strip():
                faults.append(f"{name}: column {column['name']} has no description")
    assert not faults, "\n".join(faults)


def test_every_model_seed_source_and_law_is_described() -> None:
    """What has a file but no entry in any YAML."""
    described = {name for name, _ in _described()}
    files = {
        "model": (ROOT / "models").rglob("*.sql"),
        "seed": (ROOT / "seeds").rglob("*.csv"),
        "snapshot": (ROOT / "snapshots").rglob("*.sql"),
        "data_test": (ROOT / "tests" / "laws").rglob("*.sql"),
    }
    faults = [
        f"{path.relative_to(ROOT)}: no YAML describes {kind} {path.stem}"
        for kind, paths in files.items()
        for path in sorted(paths)
        if f"{kind} {path.stem}" not in described
    ]
    assert not faults, "\n".join(faults)


def test_every_public_macro_and_argument_is_described() -> None:
    """With its type, an example, and its default where it has one; nothing that is not there is described."""
    entries = {name.removeprefix("macro "): entry for name, entry in _described() if name.startswith("macro ")}
    macros = {name: arguments for file in _macro_files() for name, arguments in _signatures(file)}
    faults = [f"macro {name} is not described in any YAML" for name in macros.keys() - entries.keys()]
    faults += [
        f"macro {name} is described, but there is no such public macro" for name in entries.keys() - macros.keys()
    ]
    for name in sorted(macros.keys() & entries.keys()):
        arguments = entries[name].get("arguments", [])
        if [argument["name"] for argument in arguments] != list(macros[name]):
            faults.append(
                f"macro {name}: arguments {list(macros[name])} are described as {[a['name'] for a in arguments]}"
            )
            continue
        for argument in arguments:
            text = str(argument.get("description") or "")
            wanted = {"a description": text, "a type": argument.get("type")}
            if argument["name"] != "model":
                wanted["an example (`Example: ...`)"] = "Example: " in text
            if macros[name][argument["name"]]:
                wanted["its default (`Default: ...`)"] = "Default: " in text
            faults += [
                f"macro {name}: argument {argument['name']} lacks {what}" for what, has in wanted.items() if not has
            ]
    assert not faults, "\n".join(faults)


def test_every_macro_file_holds_the_one_public_macro_that_it_is_named_after() -> None:
    faults = []
    for file in _macro_files():
        public = [name.removeprefix("test_") for name, _ in _signatures(file)]
        is_other = file.stem.startswith("_") or "{% materialization " in file.read_text(encoding="utf-8")
        expected = [] if is_other else [file.stem]
        if public != expected:
            faults.append(f"{file.relative_to(ROOT)}: public macros {public}, expected {expected}")
    assert not faults, "\n".join(faults)


@of_the_examples
def test_described_columns_are_those_of_the_relations(documented: dict[str, Any]) -> None:
    """Nothing is missing in the YAML and nothing is described that is not there, in the relations of a real run."""
    manifest, catalog = documented["manifest"], documented["catalog"]
    faults = []
    for group in ("nodes", "sources"):
        for unique_id, node in manifest[group].items():
            if node["resource_type"] not in ("model", "seed", "source", "snapshot"):
                continue
            name = f"{node['resource_type']} {node['name']}"
            if unique_id not in catalog[group]:
                faults.append(f"{name}: the run has not built it")
                continue
            real = {column.lower() for column in catalog[group][unique_id]["columns"]}
            if node["config"].get("meta", {}).get("feed"):
                real -= LANDED
            said = set(node["columns"]) - ONLY_ON_POSTGRES.get(unique_id, set())
            faults += [f"{name}: column {column} is not described" for column in sorted(real - said)]
            faults += [f"{name}: column {column} is described, but is not there" for column in sorted(said - real)]
    assert not faults, "\n".join(faults)


def test_the_public_marts_are_under_contract() -> None:
    entries = dict(_described())
    marts = {path.stem for path in (ROOT / "models" / "marts").glob("*.sql")}
    assert marts >= set(MARTS), "publishing and the models disagree about what is public"
    free = [
        name
        for name in sorted(marts)
        if not entries[f"model {name}"].get("config", {}).get("contract", {}).get("enforced")
    ]
    assert not free, f"no contract is enforced on {', '.join(free)}"
    untyped = [
        f"{name}.{column['name']}"
        for name in sorted(marts)
        for column in entries[f"model {name}"]["columns"]
        if not column.get("data_type")
    ]
    assert not untyped, f"no data_type: {', '.join(untyped)}"


def test_the_page_of_anomalies_says_what_the_seed_says() -> None:
    page = (ROOT / "docs" / "anomalies.md").read_text(encoding="utf-8")
    words = " ".join(page.split())
    with (ROOT / "seeds" / "anomalies.csv").open(encoding="utf-8", newline="") as file:
        absent = [
            f"{row['anomaly_prefix']}: {column}"
            for row in csv.DictReader(file)
            for column in ("anomaly_prefix", "title", "explanation", "next_action")
            if " ".join(row[column].split()) not in words
        ]
    assert not absent, f"docs/anomalies.md lacks {', '.join(absent)}"


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "README.md"]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not broken, f"broken links: {', '.join(broken)}"
