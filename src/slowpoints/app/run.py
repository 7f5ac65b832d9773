"""The main job: train a network, test it, and ask how it computes."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from slowpoints.analysis.callback import AnalysisCallback
from slowpoints.app.build import build_module, check_buildable
from slowpoints.app.checkpoint import Checkpoint, open_checkpoint
from slowpoints.app.note import note
from slowpoints.app.report import Report, short
from slowpoints.app.trust import trust_option
from slowpoints.console import VOICE, RunLog
from slowpoints.interruption import STOP, Interrupted
from slowpoints.runs.folder import CONFIG, LOG
from slowpoints.sweep.options import RunOptions, essence
from slowpoints.tasks.batches import TaskData
from slowpoints.tasks.documents import documents
from slowpoints.text.load import load_data
from slowpoints.tracking.journal import UNKNOWN_TO_MLFLOW, recorded_run_id
from slowpoints.tracking.logger import TrainingLogger
from slowpoints.tracking.reconcile import reconcile_if_possible
from slowpoints.tracking.run import TrackedRun, track
from slowpoints.training.train import check_validations, evaluate, load_weights, make_trainer, train
from slowpoints.training.trained import forget

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

    from slowpoints.tasks import Task
    from slowpoints.text.corpus import EncodedData
    from slowpoints.tracking.options import TrackingOptions
    from slowpoints.training.module import TaskModule


@dataclass(frozen=True)
class Occasion:
    """How a run is called and recorded, where it is more than a run by itself.

    Attributes
    ----------
    name
        What it is called in MLflow; by default after the architecture and the data.
    tags
        Recorded in MLflow.
    resume
        Whether to go on with the run that was interrupted in the folder, if one was.
    log
        Whether to keep what is said in `run.log`; what starts the jobs of a sweep keeps it by itself.
    """

    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    resume: bool = False
    log: bool = True


BY_ITSELF = Occasion()

log = logging.getLogger(__name__)


def run(options: RunOptions, folder: Path, occasion: Occasion = BY_ITSELF) -> dict[str, float]:
    """Do everything that the options ask for, leave it in the folder and in MLflow, and return the final metrics.

    Raises
    ------
    UserError
        For what the user can mend: before anything is recorded where it can be known by then.
    """
    with RunLog().listening() as run_log:
        try:
            return _run(options, folder, occasion, run_log)
        except Interrupted as stop:
            if (folder / CONFIG).is_file():
                log.warning(
                    "Stopped (%s); to go on: slowpoints resume %s",
                    stop.reason,
                    f"{shlex.quote(short(folder))}{trust_option(options.model_dump())}",
                )
            raise


def _run(options: RunOptions, folder: Path, occasion: Occasion, run_log: RunLog) -> dict[str, float]:
    _use_threads(options.threads)
    analyses = check_buildable(options)
    data = load_data(options.data, options.cache_dir, options.seed)
    check_validations(options.training, len(data.train))
    checkpoint = _open_checkpoint(options, data)
    task = documents(data)
    untrained = build_module(options, task.symbols, task.outputs).network
    module = build_module(options, task.symbols, task.outputs)  # the same initial weights
    name = occasion.name or f"{options.arch.name}-{options.data.name}"
    run_id = recorded_run_id(folder) if occasion.resume else None
    tracking = track(_tracking(options, occasion), name, folder, _params(options), occasion.tags, run_id)
    with ExitStack() as closing, tracking as tracked:
        if occasion is BY_ITSELF and not tracked.run_id.startswith(UNKNOWN_TO_MLFLOW):
            reconcile_if_possible(tracked.tracking_uri, options.tracking.experiment)
        if occasion.log:
            run_log.write_to(folder / LOG, "a" if occasion.resume else "w")
        tracked.save_text("config.yaml", OmegaConf.to_yaml(OmegaConf.create(options.model_dump(mode="json"))))
        tracked.save_text("tokenizer.json", data.tokenizer_json)
        callback = AnalysisCallback(name, analyses, untrained, options.analysis.sampling, options.seed, tracked)
        _train_and_test(options, task, module, callback, tracked, checkpoint, resume=occasion.resume)
        closing.enter_context(STOP.held())  # until the end is recorded, too: what is complete is not stopped
        report = Report(name, tracked, callback)
        tracked.describe(note(report))
        run_log.add(report.text() + "\n")
        tracked.log_file(LOG)
        tracked.save_summary(callback.summary())
        forget(folder)
    VOICE.conclude(report.show, short(folder), report.document())
    return tracked.metrics


def _open_checkpoint(options: RunOptions, data: EncodedData) -> Checkpoint | None:
    if options.checkpoint is None:
        return None
    checkpoint = open_checkpoint(options.checkpoint, options.tracking.uri, options.cache_dir)
    checkpoint.check(data)
    return checkpoint


def _train_and_test(
    options: RunOptions,
    task: Task,
    module: TaskModule,
    callback: AnalysisCallback,
    tracked: TrackedRun,
    checkpoint: Checkpoint | None,
    *,
    resume: bool,
) -> None:
    batches = TaskData(task, options.training.batch_size, options.seed)
    trainer = make_trainer(options.training, tracked.folder, TrainingLogger(tracked), [callback], task.outputs.score)
    if checkpoint is None:
        _train(trainer, module, batches, tracked, resume=resume)
    else:
        load_weights(module, checkpoint.weights)
        tracked.keep_file(checkpoint.weights)
        tracked.log_metrics(checkpoint.metrics)
    tracked.log_metrics(evaluate(trainer, module, batches))


def _train(trainer: Trainer, module: TaskModule, batches: TaskData, tracked: TrackedRun, *, resume: bool) -> None:
    result = train(trainer, module, batches, resume=resume)
    tracked.log_metrics(
        {
            "val/accuracy": result.validation_score,
            "training/epochs": result.epochs,
            "training/seconds": result.seconds,
        }
    )
    tracked.log_file(result.checkpoint.name)


def _tracking(options: RunOptions, occasion: Occasion) -> TrackingOptions:
    """Return where to record; a job of a sweep, whose launcher asked the store before, starts in an outage too."""
    return options.tracking.model_copy(update={"offline_start": options.tracking.offline_start or occasion.resume})


def _params(options: RunOptions) -> dict[str, Any]:
    """Return flat, readable parameters: what the network follows from.

    MLflow's comparison opens with the first three that differ, by the alphabet: what only some architectures have comes
    last there, as `unit.nonlinearity`.
    """
    found = essence(options.model_dump(mode="json"))
    params: dict[str, Any] = {"arch": options.arch.name, "data": options.data.name, "seed": options.seed}
    for section in ("arch", "data", "training"):
        for key, value in found[section].items():
            if key == "cell":
                params |= {f"unit.{name}": entry for name, entry in value.items() if name != "_target_"}
            elif key != "name":
                params[f"{section}.{key}"] = value
    return params


def _use_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
