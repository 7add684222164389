"""A small Aurora 0.27. Imports `thrift` and nothing else of ours."""
