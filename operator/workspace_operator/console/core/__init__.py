"""Requests, routes and answers: what every page of the console shares."""
