"""What breaks under a running district, and what must still be true afterwards: the real stack, kill -9, real mail."""
