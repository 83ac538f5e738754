"""Driver of background jobs: migrations and the retention of activities."""
