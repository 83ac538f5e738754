"""The App API of migrations and cleanups (track-api.md §2)."""
