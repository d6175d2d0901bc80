"""The ladder's pure state machine: stages, state, events, transitions, follow-up (ladder.md)."""
