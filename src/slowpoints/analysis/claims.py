"""What the paper claims, and from which numbers on a claim holds for a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Judgement = Literal["holds", "holds weakly", "does not hold", "not measured"]
_ORDER: tuple[Judgement, ...] = ("holds", "holds weakly", "does not hold")


@dataclass(frozen=True)
class Condition:
    """One number that a claim rests on.

    Attributes
    ----------
    metric
        Its name.
    holds, weakly
        From where on the claim holds, and holds weakly; a smaller `holds` than `weakly` means that less is better.
    """

    metric: str
    holds: float
    weakly: float

    def judge(self, value: float) -> Judgement:
        """Return the verdict on a value; NaN speaks for nothing."""
        sign = 1 if self.holds >= self.weakly else -1
        if sign * value >= sign * self.holds:
            return "holds"
        return "holds weakly" if sign * value >= sign * self.weakly else "does not hold"

    def __str__(self) -> str:
        relation = ">=" if self.holds >= self.weakly else "<="
        return f"{self.metric} {relation} {self.holds:g} (weakly: {self.weakly:g})"


@dataclass(frozen=True)
class Claim:
    """A claim of the paper: it holds as far as the worst of its conditions does."""

    name: str
    text: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim for one network.

    Attributes
    ----------
    claim, text
        The claim's name, and what it says.
    verdict
        Whether it holds.
    values
        The numbers it was judged by.
    criterion
        The rule.
    """

    claim: str
    text: str
    verdict: Judgement
    values: Mapping[str, float]
    criterion: str


# Maheswaranathan et al. 2019 (arXiv 1906.10720). The paper states most of these in words; the thresholds are ours.
CLAIMS = (
    Claim(
        "low_dimensional",
        "After training, the visited states vary in few dimensions",
        (Condition("pca/variance_explained_3", 0.85, 0.7),),
    ),
    Claim(
        "comes_to_rest",
        "Without input the state stops changing within a few steps",
        (Condition("relaxation/change_10", 0.01, 0.05),),
    ),
    Claim(
        "line",
        "The points where the network is slow lie along a line",
        (
            Condition("manifold/line_variance", 0.8, 0.6),
            Condition("manifold/coverage", 0.5, 0.25),
        ),
    ),
    Claim(
        "captured_by_states",
        "The line is mostly captured by the states' principal components",
        (Condition("manifold/state_variance", 0.8, 0.6),),
    ),
    Claim(
        "theta_agrees",
        "Locally linear embedding orders the points as their principal components do",
        (Condition("manifold/agreement", 0.9, 0.7), Condition("manifold/pc_agreement", 0.9, 0.7)),
    ),
    Claim(
        "readout_aligned",
        "The line is aligned with the readout",
        (Condition("manifold/readout_alignment", 0.8, 0.5),),
    ),
    Claim(
        "integrates",
        "One mode remembers for longer than documents last",
        (Condition("modes/tau_1_over_length", 1.0, 0.3), Condition("modes/top_real_share", 0.9, 0.5)),
    ),
    Claim("one_slow_mode", "The top mode is far slower than the second", (Condition("modes/tau_ratio", 3.0, 1.5),)),
    Claim("stable", "Nearly all modes are stable", (Condition("modes/stable_share", 0.98, 0.95),)),
    Claim(
        "words_push_by_valence",
        "Positive and negative words push opposite ways at every point, neutral ones hardly",
        (Condition("inputs/projection_auc_low", 0.95, 0.8), Condition("inputs/neutral_ratio", 0.33, 0.6)),
    ),
    Claim("acts_along_line", "The top mode acts along the line", (Condition("overlap/r1_m_median", 0.7, 0.4),)),
    Claim(
        "locally_linear",
        "One linear step predicts the next state to about 10 %",
        (Condition("linearization/one_step_error_median", 0.15, 0.3),),
    ),
    Claim(
        "globally_nonlinear",
        "The linearised network, run freely, is much worse",
        (Condition("linearized/accuracy_loss", 0.1, 0.03),),
    ),
    Claim(
        "linear_rnn_worse",
        "A linear recurrent network is a few per cent worse",
        (Condition("linear_rnn/accuracy_loss", 0.015, 0.005),),
    ),
    Claim(
        "mean_input_same",
        "Linearising about the mean embedding changes nothing",
        (Condition("mean_input/error_change", 0.1, 0.3), Condition("mean_input/tau_1_change", 0.1, 0.3)),
    ),
)


def judge(metrics: Mapping[str, float]) -> list[Verdict]:
    """Return a verdict on each claim that the metrics bear on at all."""
    return [
        _judge(claim, metrics) for claim in CLAIMS if any(condition.metric in metrics for condition in claim.conditions)
    ]


def _judge(claim: Claim, metrics: Mapping[str, float]) -> Verdict:
    values = {c.metric: metrics[c.metric] for c in claim.conditions if c.metric in metrics}
    if len(values) < len(claim.conditions):
        verdict: Judgement = "not measured"
    else:
        verdict = max((c.judge(values[c.metric]) for c in claim.conditions), key=_ORDER.index)
    return Verdict(claim.name, claim.text, verdict, values, " and ".join(str(c) for c in claim.conditions))
