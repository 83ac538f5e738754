"""A workspace with people, and an import of a file, with short methods for the actions of tests."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.imports.columns import mapping_of_guess
from workspace_operator.application.imports.preparation import ImportPreparation
from workspace_operator.application.imports.worker import ImportWorker
from workspace_operator.application.ports import Actor, Imports, UndoForecast, Via
from workspace_operator.identity.model.person import Person
from workspace_operator.imports.model import ImportJob, ImportMapping, ImportState

ACTOR = Actor(name="ada@nordlicht.example", via=Via.CONSOLE)
UNDO_PERIOD = timedelta(days=30)


@dataclass(slots=True)
class ImportEnv:
    """The imports of a workspace. Methods without a number mean the newest import."""

    env: WorkspaceEnv

    @property
    def imports(self) -> Imports:
        return self.env.store.sql_imports

    @property
    def job(self) -> ImportJob:
        return self.imports.recent(self.env.workspace_id, limit=1)[0]

    @property
    def preparation(self) -> ImportPreparation:
        store = self.env.store
        return ImportPreparation(imports=self.imports, people=store.people, clock=store.clock)

    def upload(self, text: str | bytes, file_name: str = "people.csv") -> ImportJob:
        content = text if isinstance(text, bytes) else text.encode()
        return self.preparation.receive(self.env.workspace_id, io.BytesIO(content), file_name, actor=ACTOR)

    def choose(self, mapping: ImportMapping | None = None) -> ImportJob:
        """Choose columns; those that their names suggest without a mapping."""
        job = self.job
        assert job.facts is not None
        chosen = mapping or mapping_of_guess(job.facts)
        return self.preparation.choose(self.env.workspace_id, job.number, chosen)

    def check(self) -> ImportJob:
        return self.imports.check(self.env.workspace_id, self.job.number, now=self.env.store.clock())

    def run(self) -> ImportJob:
        return self.imports.run(self.env.workspace_id, self.job.number, actor=ACTOR, now=self.env.store.clock())

    def stop(self) -> ImportJob:
        return self.imports.stop(self.env.workspace_id, self.job.number, actor=ACTOR, now=self.env.store.clock())

    def undo(self) -> ImportJob:
        return self.imports.undo(self.env.workspace_id, self.job.number, actor=ACTOR, now=self.env.store.clock())

    def discard(self) -> ImportJob:
        return self.imports.discard(self.env.workspace_id, self.job.number, actor=ACTOR, now=self.env.store.clock())

    def forecast(self, limit: int = 1_000) -> UndoForecast:
        now = self.env.store.clock()
        return self.imports.forecast(self.env.workspace_id, self.job.number, limit=limit, now=now)

    def rejects(self) -> list[list[str]]:
        return [list(cells) for cells in self.imports.rejects(self.env.workspace_id, self.job.number)]

    def worker(
        self,
        *,
        batch: int = 1_000,
        undo_period: timedelta = UNDO_PERIOD,
        stopping: Callable[[], bool] = lambda: False,
    ) -> ImportWorker:
        return ImportWorker(
            imports=self.imports,
            people=self.env.store.people,
            worker="w1",
            clock=self.env.store.clock,
            undo_period=undo_period,
            batch=batch,
            stopping=stopping,
            sleep=lambda _: None,
        )

    def work(self, *, batch: int = 1_000, undo_period: timedelta = UNDO_PERIOD) -> ImportJob:
        """Run a worker until nothing is due; returns the newest import."""
        while self.worker(batch=batch, undo_period=undo_period).work_once():
            pass
        return self.job

    def check_file(self, text: str | bytes, mapping: ImportMapping | None = None) -> ImportJob:
        """Upload a file, choose its columns, and try it."""
        self.upload(text)
        self.choose(mapping)
        self.check()
        return self.work()

    def import_file(self, text: str | bytes, mapping: ImportMapping | None = None, *, batch: int = 1_000) -> ImportJob:
        """Upload a file, choose its columns, try it, and import it."""
        checked = self.check_file(text, mapping)
        assert checked.state is ImportState.CHECKED
        self.run()
        return self.work(batch=batch)

    def people(self) -> list[Person]:
        """All people, in the order of creation."""
        return list(self.env.store.people.all(self.env.workspace_id))

    def entries(self) -> list[tuple[str, str, dict[str, object]]]:
        """The entries of the audit log about imports, oldest first: action, subject and detail."""
        found = self.env.store.audit_log.entries(self.env.workspace_id, limit=100)
        return [(each.action, each.subject, dict(each.detail)) for each in reversed(found)]
