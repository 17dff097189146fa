"""Training: patches made on the fly from photographs, losses, the trainer, checkpoints and model cards."""
