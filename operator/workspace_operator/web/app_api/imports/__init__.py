"""Imports of files over the App API."""
