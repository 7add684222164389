"""Wiring, in one place: what a command works with, made of settings."""
