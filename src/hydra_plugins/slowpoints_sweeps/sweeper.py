"""The sweeper `hydra/sweeper=jobs`: every combination of the choices, and what Hydra's own lacks for that.

A sweep has an identity, so that it can be resumed; a job that fails leaves the others alone; a search is followed by
the analysis of what it found.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from slowpoints.errors import UserError


class JobSweeper(BasicSweeper):
    """Runs all combinations of the choices, as Hydra's basic sweeper combines them.

    Parameters
    ----------
    params
        Choices beside those of the command line, which go before.
    resume
        Identity of a sweep to complete in place of a new one.
    search
        Choices among which the one that is best on validation is taken, for each combination of the others.
    prefer
        Options that regularise: in place of the best that one is taken which has the largest values of these, the first
        of them before the others, among all within one standard error of the best.
    """

    def __init__(
        self,
        params: dict[str, str] | None = None,
        resume: str | None = None,
        search: Mapping[str, str] | None = None,
        prefer: Sequence[str] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(None, params)
        self.resume = resume
        self.search = search
        self.prefer = prefer

    def sweep(self, arguments: list[str]) -> Any:
        """Run the jobs that are not done, and end the process with code 1 if one failed."""
        from slowpoints.app.sweep import resume_sweep, run_search, run_sweep

        if self.search is not None and not (self.search and isinstance(self.search, Mapping)):
            raise UserError(
                f"hydra.sweeper.search: must be choices, {{training.rate: '0.001,0.002'}}, got {self.search}"
            )
        prefer = [] if self.prefer is None else [self.prefer] if isinstance(self.prefer, str) else list(self.prefer)
        if prefer and self.search is None:
            raise UserError("hydra.sweeper.prefer: says which network of a search is taken; name hydra.sweeper.search")
        if not hasattr(self.launcher, "run_jobs"):
            return super().sweep(arguments)  # another launcher: its own way
        if self.resume is not None:
            return resume_sweep(self, self.resume, arguments)
        if self.search is not None:
            trials = self.combinations(arguments, self.search)
            return run_search(self, self.combinations(arguments), trials, prefer)
        return run_sweep(self, self.combinations(arguments))

    def combinations(self, arguments: list[str], more: Mapping[str, str] | None = None) -> list[list[str]]:
        """Return the overrides of each job, `key=value`."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        texts = [*self._parse_config(), *(f"{key}={value}" for key, value in (more or {}).items()), *arguments]
        try:
            (jobs,) = self.split_arguments(parser.parse_overrides(texts), None)
        except ValueError as error:
            raise UserError(f"the choices of the sweep cannot be listed: {error}") from error
        return jobs
