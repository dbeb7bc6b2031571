"""Leave-one-subject-out: protocols, folds, engines, results."""
