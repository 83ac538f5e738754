"""HTTP basics: requests, responses, routing, authentication, errors, limits of bodies."""
