"""What the interactive explorer shows: documents read word by word, and what the network does at its slow points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import input_projections, mode_overlaps, spectrum
from slowpoints.questions.question import Findings, Question
from slowpoints.runs.folder import EXPLORER
from slowpoints.text.valence_words import common_words

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from slowpoints.dynamics import Linearization
    from slowpoints.questions.dissection import Dissection

LENGTHS = (12, 160)  # tokens of the documents that are preferred: a reader can follow them
VISITED = 2000  # states drawn behind everything else
WRONG = 4  # one document of so many is one that the network gets wrong


class ExplorerQuestion(Question):
    """Gathers what `explorer.html` shows (Maheswaranathan et al. 2019, Fig. 2b, 2c, 3b and 4c, for single words).

    At some of the points, spread evenly along the manifold: all eigenvalues of the recurrent Jacobian, and the words
    that push the state farthest along the top mode, `l_1 . Jinp (x - x*)`, with what they do to the readout, `w . Jinp
    (x - x*)`. Of some documents: the trajectory, and the same of each word at the point nearest to the state in which
    it is read. At points whose top mode is a complex pair the real part is taken; those whose top mode cannot be
    trusted are left out.

    Metrics: `points`, `documents`.

    Parameters
    ----------
    points
        At how many of the points, at most.
    documents
        How many, of both classes; a quarter of them are read wrongly, where there are so many.
    words
        How many that push to either side at each point.
    """

    name = "explorer"

    def __init__(self, points: int = 80, documents: int = 12, words: int = 12) -> None:
        if min(points, documents, words) < 1:
            raise ValueError(f"points, documents and words must be at least 1, not {points}, {documents} and {words}")
        self.points = points
        self.documents = documents
        self.words = words

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the arrays; the page is made from them when all analyses have run."""
        trusted = dissection.trusted.nonzero().squeeze(1)
        chosen = trusted[evenly(dissection.manifold.place[trusted], self.points)]
        linear = dissection.linearization[chosen]
        documents = choose_documents(dissection, self.documents)
        arrays = {
            **_points(dissection, chosen),
            **_modes(dissection, linear),
            **_words(dissection, linear, self.words),
            **_documents(dissection, linear, documents),
            **_plane(dissection),
        }
        small = {name: _single(array) for name, array in arrays.items()}
        sentence = (
            f"{EXPLORER} shows {len(documents)} documents word by word, and the eigenvalues and the strongest words "
            f"at {len(chosen)} points{dissection.left_out()}."
        )
        return Findings(sentence, {"points": float(len(chosen)), "documents": float(len(documents))}, small)


def evenly(values: Float[Tensor, " point"], count: int) -> Int[Tensor, " chosen"]:
    """Return the rows of at most `count` values that are nearest to evenly spaced ones, in rising order."""
    targets = torch.linspace(float(values.min()), float(values.max()), count).to(values)
    nearest = (values - targets[:, None]).abs().argmin(dim=1).unique()
    return nearest[values[nearest].argsort(stable=True)]


def choose_documents(dissection: Dissection, count: int) -> np.ndarray:
    """Return rows of the sampled documents: of both classes, read rightly and wrongly, short and long."""
    trajectories = dissection.trajectories
    lengths = trajectories.lengths
    readable = (lengths >= LENGTHS[0]) & (lengths <= LENGTHS[1])
    positive = trajectories.labels == 1
    right = (dissection.logits(trajectories.last).cpu().numpy() > 0) == positive
    wrong = count // WRONG
    rows = []
    for label, half in ((True, -(-count // 2)), (False, count // 2)):
        mistaken = (wrong + label) // 2
        for of_kind, wanted in ((right, half - mistaken), (~right, mistaken)):
            kind = np.flatnonzero((positive == label) & of_kind)
            among = kind[readable[kind]] if readable[kind].sum() >= wanted else kind
            # the documents stand by rising length
            rows.append(among[np.unique(np.linspace(0, len(among) - 1, min(wanted, len(among))).astype(int))])
    return np.concatenate(rows)


def _points(dissection: Dissection, chosen: Tensor) -> dict[str, np.ndarray]:
    """Return all points, those whose modes are shown, and where in the plane they are."""
    points = dissection.points
    return {
        **dissection.places(),
        "plane": dissection.components.project(points.location, 2).cpu().numpy(),
        "logit": dissection.logits(points.location).cpu().numpy(),
        "relative_speed": points.relative_speed.cpu().numpy(),
        "q": points.q.cpu().numpy(),
        "tolerance": np.array(points.tolerance),
        "chosen": chosen.cpu().numpy(),
    }


def _modes(dissection: Dissection, linear: Linearization) -> dict[str, np.ndarray]:
    """Return all eigenvalues at the chosen points; of the top mode its direction in the plane, and `|r_1 . m|`."""
    return {
        "spectra": spectrum(linear.recurrent_jacobian).cpu().numpy(),
        "direction": (linear.modes.right[:, 0].real @ dissection.components.components[:2].T).cpu().numpy(),
        "overlap": mode_overlaps(linear, dissection.manifold.axis)[:, 0].cpu().numpy(),
    }


def _words(dissection: Dissection, linear: Linearization, count: int) -> dict[str, np.ndarray]:
    """Return the common words with the largest projections to either side at each point, the largest first."""
    data = dissection.data
    common = torch.from_numpy(np.flatnonzero(common_words(data.words, data.train)))
    vectors = dissection.embed(common)
    projections, effects = _projections(linear, vectors), _readout_effects(dissection, linear, vectors)
    count = min(count, len(common) // 2)
    order = projections.argsort(dim=1, descending=True)
    top = torch.cat([order[:, :count], order[:, len(common) - count :]], dim=1)
    return {
        "words": np.array(data.words)[common[top.cpu()].numpy()],
        "word_projections": projections.gather(1, top).cpu().numpy(),
        "word_effects": effects.gather(1, top).cpu().numpy(),
    }


def _documents(dissection: Dissection, linear: Linearization, documents: np.ndarray) -> dict[str, np.ndarray]:
    """Return each word's place on its trajectory, the readout after it, and what it does at the nearest point."""
    trajectories, components = dissection.trajectories, dissection.components
    spans = [slice(*trajectories.offsets[row : row + 2]) for row in documents]
    states = torch.cat([trajectories.states[span] for span in spans])
    tokens = torch.cat([trajectories.tokens[span] for span in spans])
    offsets = np.concatenate([[0], np.cumsum(trajectories.lengths[documents])])
    before = states.roll(1, dims=0)
    before[torch.from_numpy(offsets[:-1])] = 0
    distance, nearest = torch.cdist(before.to(linear.location), linear.location).min(dim=1)
    spread = components.variance.sum().sqrt()  # of the visited states: what a distance is measured in
    distinct, place = tokens.unique(return_inverse=True)
    vectors = dissection.embed(distinct)
    projections, effects = _projections(linear, vectors), _readout_effects(dissection, linear, vectors)
    place = place.to(nearest.device)
    return {
        "document_words": np.array(dissection.data.words)[tokens.numpy()],
        "document_offsets": offsets,
        "document_labels": trajectories.labels[documents],
        "document_plane": components.project(states.double(), 2).cpu().numpy(),
        "document_logit": dissection.logits(states).cpu().numpy(),
        "document_nearest": nearest.cpu().numpy(),
        "document_distances": (distance / spread).cpu().numpy(),
        "document_projections": projections[nearest, place].cpu().numpy(),
        "document_effects": effects[nearest, place].cpu().numpy(),
    }


def _plane(dissection: Dissection) -> dict[str, np.ndarray]:
    """Return what lies behind the points: visited states, the initial state, and the readout as a plane's slope."""
    components, states = dissection.components, dissection.states
    some = np.sort(np.random.default_rng(dissection.seed).permutation(len(states))[:VISITED])
    start = dissection.trajectories.initial[None].double()
    weights = torch.zeros_like(components.mean)
    weights[: len(dissection.readout)] = dissection.readout.double()
    return {
        "visited_plane": components.project(states[torch.from_numpy(some)].double(), 2).cpu().numpy(),
        "initial_plane": components.project(start, 2)[0].cpu().numpy(),
        "initial_logit": dissection.logits(start)[0].cpu().numpy(),
        "readout_slope": (components.components[:2] @ weights).cpu().numpy(),
        "readout_offset": np.array(float(weights @ components.mean) + dissection.network.readout.bias.item()),
        "explained": components.explained[:2].cpu().numpy(),
    }


def _projections(linear: Linearization, vectors: Tensor) -> Float[Tensor, "point word"]:
    return input_projections(linear, vectors).real


def _readout_effects(dissection: Dissection, linear: Linearization, vectors: Tensor) -> Float[Tensor, "point word"]:
    """Return the change of the logit within one token in the place of the neutral input, `w . Jinp (x - x*)`."""
    weights = torch.zeros_like(linear.location)
    weights[:, : len(dissection.readout)] = dissection.readout.to(weights)
    sensitivity = linear.input_sensitivity(weights)
    return sensitivity @ vectors.to(sensitivity).T - (sensitivity * linear.input).sum(dim=1, keepdim=True)


def _single(array: np.ndarray) -> np.ndarray:
    """Return floating numbers in single precision: the page shows four digits."""
    smaller = {"f": np.float32, "c": np.complex64, "i": np.int32}
    return array.astype(smaller[array.dtype.kind]) if array.dtype.kind in smaller else array
