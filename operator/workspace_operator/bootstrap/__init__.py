"""Composition root: the only package that creates adapters and connects them to use cases."""

from workspace_operator.bootstrap.keys import embedded_key_file as embedded_key_file
from workspace_operator.bootstrap.keys import load_root_key as load_root_key
from workspace_operator.bootstrap.keys import write_new_key as write_new_key
from workspace_operator.bootstrap.logs import configure_logging as configure_logging
from workspace_operator.bootstrap.operators import list_cluster_names as list_cluster_names
from workspace_operator.bootstrap.operators import make_reconciler as make_reconciler
from workspace_operator.bootstrap.operators import run_operator as run_operator
from workspace_operator.bootstrap.rendering import open_renderer as open_renderer
from workspace_operator.bootstrap.rendering import open_template_parser as open_template_parser
from workspace_operator.bootstrap.repositories import Repositories as Repositories
from workspace_operator.bootstrap.repositories import open_existing_store as open_existing_store
from workspace_operator.bootstrap.repositories import open_readonly as open_readonly
from workspace_operator.bootstrap.repositories import open_store as open_store
from workspace_operator.bootstrap.repositories import open_store_lazily as open_store_lazily
from workspace_operator.bootstrap.senders import open_sender as open_sender
from workspace_operator.bootstrap.senders import run_with_probes as run_with_probes
from workspace_operator.bootstrap.servers import make_api as make_api
from workspace_operator.bootstrap.servers import make_server as make_server
from workspace_operator.bootstrap.servers import run_api as run_api
from workspace_operator.bootstrap.workers import make_migration_worker as make_migration_worker
from workspace_operator.bootstrap.workers import make_worker as make_worker
from workspace_operator.bootstrap.workers import monitor_writes as monitor_writes
from workspace_operator.bootstrap.workers import store_probes as store_probes
from workspace_operator.store.engine.clocks import utc_now as utc_now
