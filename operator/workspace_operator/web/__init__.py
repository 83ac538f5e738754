"""The people API over HTTP. Handlers parse requests and call use cases, never an adapter."""
