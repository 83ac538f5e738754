"""View models: frozen values that templates show, and nothing else."""
