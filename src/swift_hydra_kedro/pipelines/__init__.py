"""Kedro pipelines: one folder per stage, nodes that adapt the library to the catalog."""
