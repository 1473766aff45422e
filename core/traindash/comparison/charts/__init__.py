"""Charts of the comparison, as values: one module for each chart, one for each way to draw them."""
