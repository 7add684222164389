"""Bytes to structs and back. Knows no job of ours and no socket."""
