"""What the commands of ``workspacectl run`` share: their options, and the process around their work."""
