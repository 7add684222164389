"""Desired, live and remembered in; a plan out. Pure: what is not an argument has no influence."""
