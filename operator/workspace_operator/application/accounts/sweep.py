"""Sweep of accounts in the store whose Account resource is gone, such as one that was deleted while no operator ran."""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from workspace_operator.application.ports import Accounts
from workspace_operator.errors import WorkspaceOperatorError

logger = logging.getLogger(__name__)

ResourceKey = tuple[str, str]

INTERVAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSweep:
    """Lets each account be read whose resource the operator does not know.

    Attributes:
        known: namespaces and names of the Accounts that the operator knows.
        on_missing: reads an Account, and removes it from the store if it is gone.
        namespaces: the watched namespaces; empty for all.
    """

    accounts: Accounts
    known: Callable[[], Collection[ResourceKey]]
    on_missing: Callable[[ResourceKey], None]
    cluster_id: str
    namespaces: Collection[str] = ()

    def run(self, stopping: threading.Event) -> None:
        """Sweep every minute until ``stopping`` is set."""
        while not stopping.wait(INTERVAL_SECONDS):
            self.sweep()

    def sweep(self) -> None:
        """Sweep once; a failed sweep is made up for by the next."""
        try:
            stored = {(key.namespace, key.name) for key in self.accounts.keys(self.cluster_id)}
            for key in sorted(stored - set(self.known())):
                if not self.namespaces or key[0] in self.namespaces:
                    self.on_missing(key)
        except WorkspaceOperatorError as error:
            logger.debug("the sweep of accounts failed: %s", error)
        except Exception:
            logger.exception("the sweep of accounts failed")
