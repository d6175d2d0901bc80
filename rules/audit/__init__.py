"""What proves that the audit trail was not touched: the words that are hashed, and the chain of hashes."""
