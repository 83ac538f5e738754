"""People in memory: the working set, commands and their results, and the events that they cause."""
