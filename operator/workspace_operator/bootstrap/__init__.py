"""The one place that builds concrete things and puts them together."""

from workspace_operator.bootstrap.operators import cluster_names as cluster_names
from workspace_operator.bootstrap.operators import reconciler as reconciler
from workspace_operator.bootstrap.operators import run_operator as run_operator
from workspace_operator.bootstrap.servers import API as API
from workspace_operator.bootstrap.servers import api as api
from workspace_operator.bootstrap.servers import api_server as api_server
from workspace_operator.bootstrap.servers import run_api as run_api
from workspace_operator.bootstrap.servers import serve_api as serve_api
from workspace_operator.bootstrap.stores import Store as Store
from workspace_operator.bootstrap.stores import awaited as awaited
from workspace_operator.bootstrap.stores import existing as existing
from workspace_operator.bootstrap.stores import looked_into as looked_into
from workspace_operator.bootstrap.stores import opened as opened
from workspace_operator.bootstrap.workers import migration_worker as migration_worker
from workspace_operator.bootstrap.workers import monitored as monitored
from workspace_operator.bootstrap.workers import run_worker as run_worker
from workspace_operator.bootstrap.workers import store_probes as store_probes
from workspace_operator.bootstrap.workers import worker_loop as worker_loop
from workspace_operator.store.clocks import utc_now as utc_now
