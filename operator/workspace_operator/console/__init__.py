"""The web console: pages for those who know the people, on an origin of its own (accounts §4, console)."""
