"""The HTTP server: sockets, the protocol with its limits, processes and probes."""
