"""Background jobs: identifier changes are carried out here, wherever they were asked for."""
