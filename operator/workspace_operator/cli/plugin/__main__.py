"""Entry point of ``kubectl ws`` for interpreters: ``python -m workspace_operator.cli.plugin``."""

from workspace_operator.cli.plugin.main import main

if __name__ == "__main__":
    main()
