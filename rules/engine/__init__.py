"""durable-rules behind DecisionEngine; never imported by workflows."""
