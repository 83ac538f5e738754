"""Entry point of the command ``workspacectl``."""

from workspace_operator.cli.app import main

if __name__ == "__main__":
    main()
