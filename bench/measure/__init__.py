"""What runs inside a worker process: one module per measurement."""
