"""JSON of the Supervisely API to domain types: pure, tolerant to missing optional keys, strict about the rest."""
