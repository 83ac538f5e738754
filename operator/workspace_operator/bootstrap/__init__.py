"""Composition root: the only package that creates adapters and connects them to use cases.

A name is imported with its module when it is first used, so that a command loads only the parts that it runs: the
operator alone takes longer to import than most commands take to run.
"""

from typing import TYPE_CHECKING

from workspace_operator.lazy_names import lazy_names

if TYPE_CHECKING:
    from workspace_operator.bootstrap.backups import back_up as back_up
    from workspace_operator.bootstrap.backups import restore_backup as restore_backup
    from workspace_operator.bootstrap.consoles import make_console as make_console
    from workspace_operator.bootstrap.consoles import make_console_server as make_console_server
    from workspace_operator.bootstrap.consoles import run_console as run_console
    from workspace_operator.bootstrap.distributions import open_distribution as open_distribution
    from workspace_operator.bootstrap.inspections import observe_installation as observe_installation
    from workspace_operator.bootstrap.inspections import open_inspection as open_inspection
    from workspace_operator.bootstrap.keys import embedded_key_file as embedded_key_file
    from workspace_operator.bootstrap.keys import find_root_key as find_root_key
    from workspace_operator.bootstrap.keys import load_root_key as load_root_key
    from workspace_operator.bootstrap.keys import write_new_key as write_new_key
    from workspace_operator.bootstrap.logs import configure_logging as configure_logging
    from workspace_operator.bootstrap.operators import list_cluster_names as list_cluster_names
    from workspace_operator.bootstrap.operators import make_account_reconciler as make_account_reconciler
    from workspace_operator.bootstrap.operators import make_reconciler as make_reconciler
    from workspace_operator.bootstrap.operators import run_operator as run_operator
    from workspace_operator.bootstrap.previews import open_readonly as open_readonly
    from workspace_operator.bootstrap.rendering import open_renderer as open_renderer
    from workspace_operator.bootstrap.rendering import open_template_parser as open_template_parser
    from workspace_operator.bootstrap.repositories import Repositories as Repositories
    from workspace_operator.bootstrap.senders import open_sender as open_sender
    from workspace_operator.bootstrap.senders import run_with_probes as run_with_probes
    from workspace_operator.bootstrap.servers import make_api as make_api
    from workspace_operator.bootstrap.servers import make_server as make_server
    from workspace_operator.bootstrap.servers import run_api as run_api
    from workspace_operator.bootstrap.stores import open_existing_store as open_existing_store
    from workspace_operator.bootstrap.stores import open_store as open_store
    from workspace_operator.bootstrap.stores import open_store_lazily as open_store_lazily
    from workspace_operator.bootstrap.workers import make_cleanup_worker as make_cleanup_worker
    from workspace_operator.bootstrap.workers import make_migration_worker as make_migration_worker
    from workspace_operator.bootstrap.workers import make_worker as make_worker
    from workspace_operator.bootstrap.workers import monitor_writes as monitor_writes
    from workspace_operator.bootstrap.workers import store_probes as store_probes
    from workspace_operator.store.engine.clocks import utc_now as utc_now
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "workspace_operator.bootstrap.backups": "back_up restore_backup",
            "workspace_operator.bootstrap.consoles": "make_console make_console_server run_console",
            "workspace_operator.bootstrap.distributions": "open_distribution",
            "workspace_operator.bootstrap.inspections": "observe_installation open_inspection",
            "workspace_operator.bootstrap.keys": "embedded_key_file find_root_key load_root_key write_new_key",
            "workspace_operator.bootstrap.logs": "configure_logging",
            "workspace_operator.bootstrap.operators": (
                "list_cluster_names make_account_reconciler make_reconciler run_operator"
            ),
            "workspace_operator.bootstrap.previews": "open_readonly",
            "workspace_operator.bootstrap.rendering": "open_renderer open_template_parser",
            "workspace_operator.bootstrap.repositories": "Repositories",
            "workspace_operator.bootstrap.senders": "open_sender run_with_probes",
            "workspace_operator.bootstrap.servers": "make_api make_server run_api",
            "workspace_operator.bootstrap.stores": "open_existing_store open_store open_store_lazily",
            "workspace_operator.bootstrap.workers": (
                "make_cleanup_worker make_migration_worker make_worker monitor_writes store_probes"
            ),
            "workspace_operator.store.engine.clocks": "utc_now",
        },
    )
