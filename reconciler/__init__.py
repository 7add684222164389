"""A GitOps control plane for Apache Aurora."""

__version__ = "0.1.0"
