"""The port to one Aurora scheduler, and its HTTP client."""
