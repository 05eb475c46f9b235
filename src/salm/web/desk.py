"""Everything that a running server holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from salm.library.index import Library
from salm.model.inference import Model
from salm.web.editing import Results
from salm.web.jobs import Jobs
from salm.web.limits import Limits
from salm.web.searching import Shelf
from salm.web.worker import Worker

__all__ = ["Desk"]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The model, the libraries, the queue, and what is kept for a while."""

    model: Model
    limits: Limits
    shelf: Shelf
    worker: Worker
    jobs: Jobs
    results: Results

    @classmethod
    def laid(cls, model: Model, libraries: Mapping[str, Library], limits: Limits) -> "Desk":
        """A desk with nothing on it yet."""
        worker = Worker()
        return cls(
            model=model,
            limits=limits,
            shelf=Shelf(libraries, model),
            worker=worker,
            jobs=Jobs(worker, most=limits.jobs, remembered=limits.results),
            results=Results(limits.results),
        )

    async def close(self) -> None:
        """Stop what is at work, and delete what was kept."""
        await self.jobs.close()
        self.worker.close()
        self.results.close()
