"""Leave-one-subject-out: protocols, one fold, the local engine, results."""
