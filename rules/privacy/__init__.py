"""What the law and our safeguards say about records: who saw them, who may see what, how long they are kept."""
