"""Commands that fill modules of their own; `flows.cli` puts them together."""
