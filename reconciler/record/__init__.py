"""What survives a restart: ownership, the guard's window, intents, conditions and history."""
