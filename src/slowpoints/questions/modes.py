"""How long the network remembers what, at its slow points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import spectrum, time_constants
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.modes import FIGURES

if TYPE_CHECKING:
    from slowpoints.questions.dissection import Dissection

LONGEST = 1e9  # tokens; an eigenvalue that is exactly 1 has no finite time constant


class ModesQuestion(Question):
    """Finds eigenvalues and time constants of the recurrent Jacobians (Maheswaranathan et al. 2019, Fig. 3).

    What is said of the top mode, and all time constants, are those of the points whose top mode can be trusted; time
    constants of other modes that cannot be trusted are left out too.

    Metrics: `tau_1_median`, `tau_2_median`, `tau_3_median` (over points; tokens), `tau_1_low`, `tau_1_high` (10 % and
    90 % quantiles), `tau_ratio` (median of tau_1 / tau_2), `tau_1_over_length` (tau_1_median in median lengths of a
    document), `doubtful_share` (share of the points whose top mode cannot be trusted), `stable_share` (share of all
    eigenvalues that lie inside the unit circle), `top_stable_share` (share of the points whose top mode is stable),
    `top_real_share` (share of the points whose top mode is no complex pair), `above_09` (eigenvalues above 0.9 in
    magnitude, median over three points).
    """

    name = "modes"
    figures = FIGURES
    claims = (
        Claim(
            "integrates",
            "One mode remembers for longer than documents last",
            (Condition("modes/tau_1_over_length", 1.0, 0.3), Condition("modes/top_real_share", 0.9, 0.5)),
        ),
        Claim("one_slow_mode", "The top mode is far slower than the second", (Condition("modes/tau_ratio", 3.0, 1.5),)),
        Claim("stable", "Nearly all modes are stable", (Condition("modes/stable_share", 0.98, 0.95),)),
    )
    columns = (
        Column("modes/tau_1_median", "tau 1 (tokens)", ".0f", "about 1,000 (LSTM, Yelp)"),
        Column("modes/tau_2_median", "tau 2", ".0f", "about 100"),
        Column("modes/stable_share", "stable modes", ".1%", "nearly all"),
        Column("modes/top_real_share", "real top mode", ".0%"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return time constants along the manifold, and whole spectra at three points."""
        linear, trusted = dissection.linearization, dissection.trusted
        top = linear.modes.eigenvalues[trusted, 0]
        known = linear.modes.trusted & trusted.unsqueeze(1)
        tau = linear.time_constants.clamp(max=LONGEST).masked_fill(~known, torch.nan).cpu().numpy()
        examples = dissection.examples
        spectra = spectrum(linear[examples].recurrent_jacobian)
        length = float(np.median(dissection.trajectories.lengths))
        low, median, high = np.nanquantile(tau[:, 0], [0.1, 0.5, 0.9])
        metrics = {
            "tau_1_median": median,
            "tau_1_low": low,
            "tau_1_high": high,
            **{f"tau_{n + 1}_median": np.nanmedian(tau[:, n]) for n in range(1, tau.shape[1]) if _any(tau[:, n])},
            "tau_1_over_length": median / length,
            "doubtful_share": float((~trusted).double().mean()),
            "stable_share": 1 - float(linear.modes.unstable_eigenvalues.double().mean()) / linear.location.shape[1],
            "top_stable_share": float((top.abs() <= 1).double().mean()),
            "top_real_share": float((top.imag == 0).double().mean()),
            "above_09": float((spectra.abs() > 0.9).sum(dim=1).double().median()),
        }
        if "tau_2_median" in metrics:
            metrics["tau_ratio"] = float(np.nanmedian(tau[:, 0] / tau[:, 1]))
        arrays = {
            **dissection.places(),
            "tau": tau,
            "eigenvalues": linear.modes.eigenvalues.cpu().numpy(),
            "example_spectra": spectra.cpu().numpy(),
            "example_tau": time_constants(spectra).clamp(max=LONGEST).cpu().numpy(),
            "examples": examples.cpu().numpy(),
            "plane": dissection.components.project(linear.location, 2).cpu().numpy(),
            "explained": dissection.components.explained[:2].cpu().numpy(),
        }
        sentence = _sentence(metrics, length) + dissection.left_out() + "."
        return Findings(sentence, {k: float(v) for k, v in metrics.items()}, arrays)


def _any(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).any())


def _sentence(metrics: dict[str, float], length: float) -> str:
    spread = f"10 to 90 %: {metrics['tau_1_low']:.0f} to {metrics['tau_1_high']:.0f}"
    text = (
        f"The top mode's time constant is {metrics['tau_1_median']:.0f} tokens ({spread}; documents have "
        f"{length:.0f}), the second's {metrics.get('tau_2_median', 0):.0f}; "
        f"{metrics['stable_share']:.1%} of all eigenvalues are stable, and the top mode is at "
        f"{metrics['top_stable_share']:.0%} of the points"
    )
    if metrics["top_real_share"] < 0.5:
        text += f"; at {1 - metrics['top_real_share']:.0%} of the points the top mode is a complex pair, a rotation"
    return text
