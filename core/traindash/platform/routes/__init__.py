"""One module per resource: a handler parses the request, calls the store and returns JSON."""
