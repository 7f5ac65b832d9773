"""How networks learn, are tested, and are resumed; the baselines."""
