"""HTTP on the whole product: real database, Temporal, worker, relay, store and mail; nothing of ours is replaced."""
