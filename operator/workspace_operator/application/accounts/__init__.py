"""Use cases about accounts: who reaches which workspace, and what is used."""
