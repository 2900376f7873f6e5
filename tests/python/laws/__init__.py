"""The laws of the design, held against the real thing: random cases and scenarios, judged by the oracle."""
