"""The launchers `hydra/launcher=local` and `hydra/launcher=slurm`, for the sweeper beside them.

Hydra finds plugins in this namespace package, and loads them for every command: the work is done elsewhere.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class JobLauncher(Launcher):
    """Runs jobs in processes of their own."""

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
        from slowpoints.options import checked
        from slowpoints.sweep.local import LocalOptions

        checked(LocalOptions, self.options, "hydra.launcher")

    def run_jobs(self, jobs: Sequence[Any], ends: MutableMapping[str, Any]) -> None:
        """Run those of the jobs that are not in `ends` yet, and fill in how each ended."""
        from slowpoints.options import checked
        from slowpoints.sweep.local import LocalOptions, run_here

        run_here(jobs, checked(LocalOptions, self.options, "hydra.launcher"), ends)


class SlurmLauncher(JobLauncher):
    """Runs jobs as an array job of Slurm."""

    def check(self) -> None:
        """Refuse options that are wrong, before anything is made."""
        from slowpoints.options import checked
        from slowpoints.sweep.slurm import SlurmOptions, check_slurm

        checked(SlurmOptions, self.options, "hydra.launcher")
        check_slurm()

    def run_jobs(self, jobs: Sequence[Any], ends: MutableMapping[str, Any]) -> None:
        """Run those of the jobs that are not in `ends` yet, and fill in how each ended."""
        from slowpoints.options import checked
        from slowpoints.sweep.slurm import SlurmOptions, run_on_slurm

        run_on_slurm(
            [job for job in jobs if job.name not in ends], checked(SlurmOptions, self.options, "hydra.launcher"), ends
        )
