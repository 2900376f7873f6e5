"""The commands of `tieout`, one module a family; `orchestration.cli` puts them together."""
