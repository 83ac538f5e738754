"""The HTTP server of the people API and the console: sockets, the protocol with its limits, processes, probes, log."""
