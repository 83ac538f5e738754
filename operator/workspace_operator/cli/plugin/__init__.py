"""The kubectl plugin ``kubectl ws``: runs ``workspacectl`` in the operator's pod."""
