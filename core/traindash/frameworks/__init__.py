"""What can be trained, as data: frameworks, their models, their hyperparameters."""
