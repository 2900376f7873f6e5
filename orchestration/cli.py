"""The command line `tieout`."""

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prove that two systems agree, or show exactly where they do not."""
