"""What to do about the distance between a Workspace resource and the store. Pure: observe, decide, plan."""
