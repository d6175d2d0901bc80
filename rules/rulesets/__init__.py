"""The rule language: conditions, metrics, rule sets, evaluation and explanation (rules.md)."""
