"""When things happen: one round, rounds until converged, rounds for ever."""
