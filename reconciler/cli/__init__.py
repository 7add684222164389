"""Words in, text and exit status out."""
