"""A small Aurora 0.27. Imports `thrift` and nothing else of ours.

It does otherwise, as told in docs/standin.md: executors, a new leader, backups, flags, pages,
figures, coordinators, hosts, races, order, mixed jobs, downfalls, Java, the first page, HTTP,
garbage.
"""
