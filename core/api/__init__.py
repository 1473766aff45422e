"""Client of the Supervisely REST API. ``core.api.client.connect`` opens it."""
