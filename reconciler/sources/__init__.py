"""Where the desired state is read from: a directory, or a git repository at a ref."""
