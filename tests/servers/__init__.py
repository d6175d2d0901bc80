"""Real servers for the tests: one of each kind per pytest run, shared by all workers, gone when the run is gone."""
