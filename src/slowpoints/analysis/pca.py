"""How many dimensions the states take up, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from slowpoints.analysis.analysis import Findings
from slowpoints.analysis.dissection import at_least_a_plane
from slowpoints.analysis.trajectories import read
from slowpoints.dynamics import principal_components
from slowpoints.figures.dimensions import FIGURES as DIMENSIONS
from slowpoints.figures.state_plane import FIGURES as PLANE

if TYPE_CHECKING:
    from slowpoints.analysis.dissection import Dissection
    from slowpoints.analysis.trajectories import Trajectories
    from slowpoints.dynamics import PrincipalComponents

BINS = 80  # of the density, along each axis
EXAMPLES = 3  # documents of either class whose trajectories are drawn
RANGE = (0.001, 0.999)  # quantiles of the visited states that the density spans


class PrincipalComponentAnalysis:
    """Finds the principal components of the visited states (Maheswaranathan et al. 2019, Fig. 2a and 2b).

    Of the trained network, and of the same network with its initial weights (`untrained_`).

    Metrics: `variance_explained_1`, `_2` and `_3` (cumulative shares), `dimensions_90` (components that explain 90 %),
    `participation_ratio` (effective number of dimensions), the same three with `untrained_`; `label_auc` (how well
    the last states' position along the first component tells the labels apart, as area under the ROC curve).
    """

    name = "pca"

    def __call__(self, dissection: Dissection) -> Findings:
        """Return variances, and the states in the plane of the first two components."""
        untrained = read(dissection.untrained, dissection.task.test, dissection.documents)
        components = {"": dissection.components, "untrained_": at_least_a_plane(principal_components(untrained.states))}
        metrics: dict[str, float] = {}
        arrays: dict[str, np.ndarray] = {}
        for prefix, found in components.items():
            cumulative = found.explained.cumsum(dim=0)
            for count in (1, 2, 3):
                metrics[f"{prefix}variance_explained_{count}"] = float(cumulative[min(count, len(cumulative)) - 1])
            metrics[f"{prefix}dimensions_90"] = float(found.dimensions(0.9))
            metrics[f"{prefix}participation_ratio"] = found.participation_ratio
            arrays[f"{prefix}explained"] = found.explained.cpu().numpy()
        arrays |= _plane(dissection.trajectories, dissection.components)
        arrays |= {f"untrained_{name}": value for name, value in _plane(untrained, components["untrained_"]).items()}
        arrays |= _readout(dissection)
        ends = dissection.components.project(dissection.trajectories.last.double(), 1)[:, 0].cpu().numpy()
        auc = float(roc_auc_score(dissection.trajectories.labels, ends))
        metrics["label_auc"] = max(auc, 1 - auc)
        sentence = (
            f"The first two principal components explain {metrics['variance_explained_2']:.0%} of the variance of the "
            f"visited states ({metrics['untrained_variance_explained_2']:.0%} before training); 90 % take "
            f"{metrics['dimensions_90']:.0f} dimensions ({metrics['untrained_dimensions_90']:.0f} before training)."
        )
        return Findings(sentence, metrics, arrays, DIMENSIONS | PLANE)


def _plane(trajectories: Trajectories, components: PrincipalComponents) -> dict[str, np.ndarray]:
    """Return the density of states by label, and some trajectories, in the plane of the first two components."""
    plane = components.project(trajectories.states.double(), 2).cpu().numpy()
    low, high = np.quantile(plane, RANGE, axis=0)
    flat = high <= low  # nothing varies there
    low, high = low - flat, high + flat
    edges = [np.linspace(low[axis], high[axis], BINS + 1) for axis in (0, 1)]
    of_positive = np.repeat(trajectories.labels == 1, trajectories.lengths)
    arrays = {"edges_1": edges[0], "edges_2": edges[1]}
    for name, rows in (("positive", of_positive), ("negative", ~of_positive)):
        arrays[f"density_{name}"] = np.histogram2d(plane[rows, 0], plane[rows, 1], bins=edges)[0]
        for number, document in enumerate(_examples(trajectories, name == "positive")):
            arrays[f"trajectory_{name}_{number}"] = plane[slice(*trajectories.offsets[document : document + 2])]
    start = torch.zeros(1, len(components.mean), dtype=torch.float64, device=components.mean.device)
    return {**arrays, "initial": components.project(start, 2)[0].cpu().numpy()}


def _examples(trajectories: Trajectories, positive: bool) -> np.ndarray:
    """Return documents of middling length."""
    documents = np.flatnonzero((trajectories.labels == 1) == positive)
    middle = len(documents) // 2
    return documents[middle : middle + EXAMPLES]


def _readout(dissection: Dissection) -> dict[str, np.ndarray]:
    """Return the logit in the plane: `offset + slope . position`; the slope is the readout's direction."""
    components = dissection.components
    weights = dissection.readout.double()
    in_state = torch.zeros_like(components.mean)
    in_state[: len(weights)] = weights
    offset = float(in_state @ components.mean) + dissection.network.readout.bias.item()
    slope = components.components[:2] @ in_state
    return {"readout_slope": slope.cpu().numpy(), "readout_offset": np.array(offset)}
