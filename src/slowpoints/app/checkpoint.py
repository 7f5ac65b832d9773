"""Repeat the analyses of a run without training it again."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from slowpoints.app.trust import check_trust
from slowpoints.errors import DamagedFile, UserError
from slowpoints.runs.earlier import is_searched_by_q
from slowpoints.runs.folder import CONFIG, COPY, SUMMARY, TOKENIZER, WEIGHTS, RunFolder
from slowpoints.sweep.options import module_names

if TYPE_CHECKING:
    from slowpoints.tasks import Task

TRAINED_WITH = ("arch", "data", "training", "seed")  # what a checkpoint brings along
NEEDED = (CONFIG, WEIGHTS, SUMMARY)  # and the tokeniser, where there is one

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """What a run left.

    Attributes
    ----------
    weights
        File of the weights that did best on the validation set.
    tokenizer_json
        The tokeniser that documents were read with; None where there was none.
    metrics
        What was measured of the training.
    """

    weights: Path
    tokenizer_json: str | None
    metrics: dict[str, float]

    def check(self, task: Task) -> None:
        """Fail where documents would be read as other words than in training.

        Raises
        ------
        UserError
            If the vocabularies differ.
        """
        if task.tokenizer != self.tokenizer_json:
            raise UserError(
                f"checkpoint: {self.weights} was trained with another vocabulary than {task.name} now gives; "
                "name the documents that it was trained on (data.root=FOLDER)"
            )


def open_checkpoint(reference: str, tracking_uri: str, cache_dir: Path) -> Checkpoint:
    """Return what a run left, found by its folder, its file of weights, or its id in MLflow.

    Raises
    ------
    UserError
        If there is no such run, or something of it is missing or damaged.
    """
    run = RunFolder(_folder(reference, tracking_uri, cache_dir))
    if is_searched_by_q(run.config()):
        log.info("%s told slow points by q; now they are told by relative speed (analysis.sampling)", reference)
    return Checkpoint(run.weights(), run.tokenizer(), _of_training(run.summary()["metrics"]))


def with_checkpoint(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Return a configuration with the network, the data and the seed of the run that `checkpoint` names.

    Single options of the data (`data.root=FOLDER`) may be changed on the command line.

    Raises
    ------
    UserError
        If there is no such run, its configuration cannot be read or trusted, or the command line names another network
        or data set.
    """
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0]
        if key in TRAINED_WITH or key.startswith(("arch.", "training.")):
            raise UserError(f"{override}: comes from the checkpoint, and cannot be chosen beside it")
    folder = _folder(config.checkpoint, config.tracking.uri, Path(config.cache_dir))
    recorded = RunFolder(folder).config()
    if missing := [key for key in TRAINED_WITH if key not in recorded]:
        raise DamagedFile(folder / CONFIG, f"is not that of a run (no {', '.join(missing)})", COPY)
    trained = {key: recorded[key] for key in TRAINED_WITH}
    check_trust(trained, folder / CONFIG, module_names(config.get("trust")))
    of_data = OmegaConf.from_dotlist([override for override in overrides if override.startswith("data.")])
    result: Any = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    for key in TRAINED_WITH:
        result[key] = trained[key]
    result = OmegaConf.merge(result, of_data)
    return result


def _folder(reference: str, tracking_uri: str, cache_dir: Path) -> Path:
    path = Path(reference).expanduser()
    folder = path.parent if path.is_file() else path
    if not path.exists():
        if re.fullmatch("[0-9a-f]{32}", reference) is None:
            raise UserError(f"checkpoint={reference}: there is no such file or folder, and it is no MLflow run id")
        folder = _download(reference, tracking_uri, cache_dir / "checkpoints" / reference)
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"checkpoint={reference}: {folder} has no {', '.join(missing)}; name the folder of a finished run"
        )
    return folder


def _download(run_id: str, tracking_uri: str, folder: Path) -> Path:
    import mlflow
    from mlflow.exceptions import MlflowException

    if _is_whole(RunFolder(folder)):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        there = {each.path for each in mlflow.MlflowClient(tracking_uri).list_artifacts(run_id)}
        for name in (*NEEDED, *({TOKENIZER} & there)):
            mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=name, dst_path=str(folder), tracking_uri=tracking_uri
            )
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"checkpoint={run_id}: {tracking_uri} does not have all of this run ({reason})") from error
    return folder


def _is_whole(copy: RunFolder) -> bool:
    """Whether a copy of a run is there and can be read; one that cannot is brought again."""
    if not all(copy.has(name) for name in NEEDED):
        return False
    try:
        copy.summary(), copy.config(), copy.tokenizer(), copy.weights()
    except DamagedFile as error:
        log.warning("%s %s; it is brought again from MLflow", error.path, error.reason)
        return False
    return True


def _of_training(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name.startswith(("training/", "val/"))}
