"""The command line: parse arguments, call one use case, print, exit. Each command group is a module."""
