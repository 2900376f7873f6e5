"""The published copy: what BI reads, swapped in whole after a good run."""
