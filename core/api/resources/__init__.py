"""One module per resource of the API: each builds requests, calls the transport and returns domain types."""
