"""The launchers `hydra/launcher=local` and `hydra/launcher=slurm`, for the sweeper beside them.

Hydra finds plugins in this namespace package, and loads them for every command: the work is done elsewhere.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class JobLauncher(Launcher):
    """Runs jobs in processes of their own.

    Attributes
    ----------
    here
        Whether they run on this machine, so that what they need must be on it.
    """

    here = True

    def __init__(self, **options: Any) -> None:
        self.options = {
            key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            for key, value in options.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Do nothing: jobs find their options in their folders."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Refuse what other sweepers ask for."""
        from slowpoints.errors import UserError

        raise UserError("hydra/launcher: this one works with hydra/sweeper=jobs; with another sweeper use =basic")

    def check(self) -> None:
        """Refuse options that are wrong, before anything is made."""
        raise NotImplementedError

    def run_jobs(self, jobs: Sequence[Any], ends: MutableMapping[str, Any]) -> None:
        """Run those of the jobs that are not in `ends` yet, and fill in how each ended."""
        raise NotImplementedError


class LocalLauncher(JobLauncher):
    """Runs jobs on this machine."""

    def check(self) -> None:
        """Refuse options that are wrong, before anything is made."""
        self._options()

    def run_jobs(self, jobs: Sequence[Any], ends: MutableMapping[str, Any]) -> None:
        """Run those of the jobs that are not in `ends` yet, and fill in how each ended."""
        from slowpoints.sweep.local import run_here

        run_here(jobs, self._options(), ends)

    def _options(self) -> Any:
        from slowpoints.options import checked
        from slowpoints.sweep.local import LocalOptions

        return checked(LocalOptions, self.options, "hydra.launcher")


class SlurmLauncher(JobLauncher):
    """Runs jobs as an array job of Slurm."""

    here = False

    def check(self) -> None:
        """Refuse options that are wrong, before anything is made."""
        from slowpoints.sweep.slurm import check_slurm

        self._options()
        check_slurm()

    def run_jobs(self, jobs: Sequence[Any], ends: MutableMapping[str, Any]) -> None:
        """Run those of the jobs that are not in `ends` yet, and fill in how each ended."""
        from slowpoints.sweep.slurm import run_on_slurm

        run_on_slurm([job for job in jobs if job.name not in ends], self._options(), ends)

    def _options(self) -> Any:
        from slowpoints.options import checked
        from slowpoints.sweep.slurm import SlurmOptions

        return checked(SlurmOptions, self.options, "hydra.launcher")
