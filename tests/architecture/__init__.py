"""The house style as tests: what a machine can check about shape, names, boundaries and documents."""
