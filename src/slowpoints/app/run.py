"""The main job: train a network, test it, and ask how it computes.

What takes long to import waits until it is needed: torch until the files of data have been looked at, MLflow until
a run is recorded, Lightning until a training starts. So mistakes in options and files are told at once.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from slowpoints.app.checkpoint import Checkpoint, open_checkpoint
from slowpoints.app.report import Report, achieved, short
from slowpoints.app.trust import trust_option
from slowpoints.console import VOICE, RunLog
from slowpoints.interruption import STOP, Interrupted
from slowpoints.runs.folder import CONFIG, LOG, TOKENIZER
from slowpoints.sweep.options import RunOptions, essence
from slowpoints.tracking.journal import UNKNOWN_TO_MLFLOW, recorded_run_id
from slowpoints.training.options import check_validations
from slowpoints.training.trained import forget

if TYPE_CHECKING:
    from slowpoints.questions.answers import Answers
    from slowpoints.questions.question import Question
    from slowpoints.tasks import Task
    from slowpoints.tasks.datamodule import TaskData
    from slowpoints.tracking.options import TrackingOptions
    from slowpoints.tracking.run import TrackedRun
    from slowpoints.training.model import RecurrentClassifier
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
        log.info("%s", _plan(options, folder))
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
    make_task = options.data.find(options.seed, options.cache_dir)

    from slowpoints.app.build import build_for, check_buildable

    _use_threads(options.threads)
    questions = check_buildable(options)
    task = make_task()
    check_validations(options.training, len(task.train))
    checkpoint = _open_checkpoint(options, task)
    untrained, network = build_for(options, task), build_for(options, task)  # the same initial weights

    from slowpoints.app.note import note
    from slowpoints.tracking.reconcile import reconcile_if_possible
    from slowpoints.tracking.run import track

    name = occasion.name or f"{options.arch.name}-{options.data.name}"
    run_id = recorded_run_id(folder) if occasion.resume else None
    tracking = track(_tracking(options, occasion), name, folder, _params(options), occasion.tags, run_id)
    with ExitStack() as closing, tracking as tracked:
        if occasion is BY_ITSELF and not tracked.run_id.startswith(UNKNOWN_TO_MLFLOW):
            reconcile_if_possible(tracked.tracking_uri, options.tracking.experiment)
        if occasion.log:
            run_log.write_to(folder / LOG, "a" if occasion.resume else "w")
        tracked.save_text(CONFIG, OmegaConf.to_yaml(OmegaConf.create(options.model_dump(mode="json"))))
        if task.tokenizer is not None:
            tracked.save_text(TOKENIZER, task.tokenizer)
        log.info("%s", f"Training on {len(task.train)} {task.things}" if checkpoint is None else "Testing")
        module = _train_and_test(options, task, network, tracked, checkpoint, resume=occasion.resume)
        answers = _ask(questions, options, task, module, untrained, tracked, name)
        closing.enter_context(STOP.held())  # until the end is recorded, too: what is complete is not stopped
        report = Report(name, tracked, answers, task.things)
        tracked.describe(note(report))
        run_log.add(report.text() + "\n")
        tracked.log_file(LOG)
        tracked.save_summary(answers.summary())
        forget(folder)
    VOICE.conclude(report.show, short(folder), report.document())
    return tracked.metrics


def _plan(options: RunOptions, folder: Path) -> str:
    """Return what a run is about to do."""
    questions = len(options.analysis.questions)
    asked = f"{questions} question{'' if questions == 1 else 's'}" if questions else "no questions"
    again = "" if options.checkpoint is None else f", as {options.checkpoint} has it"
    return f"{options.arch.name} on {options.data.name}{again}, {asked}, into {short(folder)}"


def _open_checkpoint(options: RunOptions, task: Task) -> Checkpoint | None:
    if options.checkpoint is None:
        return None
    checkpoint = open_checkpoint(options.checkpoint, options.tracking.uri, options.cache_dir)
    checkpoint.check(task)
    return checkpoint


def _train_and_test(
    options: RunOptions,
    task: Task,
    network: RecurrentClassifier,
    tracked: TrackedRun,
    checkpoint: Checkpoint | None,
    *,
    resume: bool,
) -> TaskModule:
    from slowpoints.tasks.datamodule import TaskData
    from slowpoints.training.evaluate import evaluate
    from slowpoints.training.module import TaskModule
    from slowpoints.training.train import load_weights

    module = TaskModule(network, options.training)
    batches = TaskData(task, options.training.batch_size, options.seed)
    if checkpoint is None:
        _train(module, batches, tracked, resume=resume)
    else:
        load_weights(module, checkpoint.weights)
        tracked.keep_file(checkpoint.weights)
        tracked.log_metrics(checkpoint.metrics)
    tested = evaluate(module, batches.test_dataloader())
    tracked.log_metrics({f"test/{name}": value for name, value in tested.items()})
    return module


def _ask(
    questions: Sequence[Question],
    options: RunOptions,
    task: Task,
    module: TaskModule,
    untrained: RecurrentClassifier,
    tracked: TrackedRun,
    name: str,
) -> Answers:
    from slowpoints.questions.answers import Answers, answer
    from slowpoints.questions.dissection import Dissection

    if not questions:
        return Answers(name)
    score = tracked.metrics[f"test/{task.outputs.score}"]
    untrained = untrained.to(module.device)
    dissection = Dissection(module.network, untrained, task, options.analysis.sampling, options.seed, score)
    title = f"{name}: {achieved(task.outputs.score, score, f'{len(task.test)} test {task.things}')}"
    return answer(questions, dissection, tracked, title)


def _train(module: TaskModule, batches: TaskData, tracked: TrackedRun, *, resume: bool) -> None:
    from slowpoints.tracking.logger import TrainingLogger
    from slowpoints.training.train import make_trainer, train

    score = module.network.outputs.score
    trainer = make_trainer(module.options, tracked.folder, TrainingLogger(tracked), score=score)
    result = train(trainer, module, batches, resume=resume)
    tracked.log_metrics(
        {
            f"val/{score}": result.validation_score,
            "val/documents": len(batches.task.validation),
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
            elif key not in ("name", "_target_"):
                params[f"{section}.{key}"] = value
    return params


def _use_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
