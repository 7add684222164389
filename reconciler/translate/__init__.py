"""Our nouns to Aurora's structs and back, and the canonical form. Pure."""
