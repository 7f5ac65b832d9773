# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A network, taken apart
#
# How does a recurrent network that reads one word after another know in the end whether it read praise or blame? This
# page trains a small one on the embedded corpus and looks inside, step by step. It is made by running
# `docs/story.py`, every time these pages are built; open that file in Jupyter (with jupytext) or run it with Python
# to follow.
#
# ## 1. Train
#
# The corpus is made by a grammar from words that people rated, so that the true valence of every word is known. This
# is the command `python -m src.run` with a few options that keep it small. What it says at its end is what every run
# says.

# %%
import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import slowpoints
from slowpoints.dynamics import input_projections, mode_overlaps, one_step_errors

options = ["data.documents=5000", "arch.hidden_size=32", "arch.embedding_size=32", "analysis.sampling.documents=100"]
options += ["analysis.sampling.points=100", "threads=1", "hydra.run.dir=story"]
run = subprocess.run([sys.executable, "-m", "slowpoints.app.main", "run", *options], capture_output=True, text=True)
print(run.stdout if run.returncode == 0 else run.stderr)

# %% [markdown]
# Everything that follows is in the run's folder already, as numbers and figures. Here it is done again by hand, with
# the library alone: what is needed are the network's weights and its words.

# %%
weights = load_file("story/model.safetensors")
cell = slowpoints.GRU(32, 32)
cell.load_state_dict({name[13:]: value for name, value in weights.items() if name.startswith("network.cell.")})
cell.double().requires_grad_(False)
embeddings = weights["network.embedding.weight"].double()
readout, bias = weights["network.readout.weight"][0].double(), weights["network.readout.bias"].double()
words = Tokenizer.from_file("story/tokenizer.json")

# %% [markdown]
# ## 2. Watch it read
#
# The readout is a weighted sum of the state, the *logit*: above zero the network says "positive". Read after each
# word, it shows how the verdict comes about. Between words that carry feeling, does it stay where it is, or fall back
# to zero?

# %%
sums = np.load("story/arrays/inputs.npz", allow_pickle=False)["vocabulary_projections"]
by_effect = [words.id_to_token(int(each)) for each in np.argsort(sums)]
negative, positive = by_effect[:3], by_effect[-3:]
sentence = [*positive, *["the"] * 8, *negative, *["the"] * 8]
ids = torch.tensor([[words.token_to_id(word) for word in sentence]])
states = cell.states(embeddings[ids])[0]

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.axhline(0, color="lightgrey")
axes.plot(states @ readout + bias, "o-", color="black")
axes.set_xticks(range(len(sentence)), sentence, rotation=90)
axes.set_ylabel("logit (log odds)")
axes.set_title("The network's verdict after each word")
plt.show()

# %% [markdown]
# ## 3. Where its state comes to rest
#
# A *fixed point* is a state that one more (empty) input leaves as it is; a *slow point* nearly so. They are looked
# for from states that the network visits, here while it reads words in random order.

# %%
random_words = torch.randint(2, len(embeddings), (300, 40), generator=torch.Generator().manual_seed(0))
visited = cell.states(embeddings[random_words])
points = slowpoints.find_fixed_points(
    cell, slowpoints.sample_states(visited.flatten(0, 1), 200, seed=0), tolerance=1e-6
)
manifold = slowpoints.find_manifold(points.converged, visited=visited.flatten(0, 1), readout=readout)
print(points)
print(manifold)

# %%
plane = slowpoints.principal_components(visited.flatten(0, 1))
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.scatter(*plane.project(visited.flatten(0, 1)[::4], 2).T, s=2, color="lightgrey", label="visited states")
drawn = axes.scatter(
    *plane.project(points.converged.location, 2).T, s=14, c=manifold.place, cmap="cividis", label="slow points"
)
figure.colorbar(drawn, label="place along the points")
axes.set_xlabel("first principal component (units of state)")
axes.set_ylabel("second")
axes.legend()
plt.show()

# %% [markdown]
# ## 4. What happens near a point
#
# Close to a point the network is nearly linear. Its Jacobian there has *modes*: directions along which a disturbance
# decays, each at its own pace. A mode whose time constant is longer than a document keeps what it was given: it is
# memory. Does the slowest one point along the line of points (an overlap of 1), and how much faster are the others?

# %%
linear = slowpoints.linearize(cell, points.converged, modes=4).oriented(manifold.axis)
slowest = linear.time_constants[:, :4].median(dim=0).values
print("time constants of the four slowest modes, median over points:", [f"{value:.1f} tokens" for value in slowest])
print(f"overlap of the slowest with the line: {mode_overlaps(linear, manifold.axis)[:, 0].median():.2f}")

# %%
values = linear.modes.eigenvalues.flatten()
figure, axes = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
axes.add_patch(plt.Circle((0, 0), 1, fill=False, color="lightgrey"))
axes.scatter(values.real, values.imag, s=6, color="black", alpha=0.3)
axes.set(xlabel="real part", ylabel="imaginary part", title="Leading eigenvalues at all points", aspect="equal")
plt.show()

# %% [markdown]
# ## 5. What a word does
#
# The product of a word's embedding with the input Jacobian is the kick that it gives to the state; its projection on
# the slowest mode is the part that will still be there much later. The corpus tells how people rated the words: the
# run correlated both.

# %%
kicks = input_projections(linear, embeddings[2:]).real.median(dim=0).values
order = kicks.argsort()
for title, some in (("most negative", order[:8]), ("least", kicks.abs().argsort()[:8]), ("most positive", order[-8:])):
    print(f"{title:>14}: " + ", ".join(words.id_to_token(int(each) + 2) for each in some))
metrics = json.loads(Path("story/summary.json").read_text())["metrics"]
print(f"rank correlation with the words' true valence: {metrics['inputs/true_rho']:.2f}")

# %% [markdown]
# ## 6. How much of the network is that?
#
# If the picture is right, the linear network at the nearest point predicts the next state. Its error, relative to the
# state:

# %%
inputs = embeddings[random_words]
errors = one_step_errors(
    linear, visited[:, :-1].flatten(0, 1), inputs[:, 1:].flatten(0, 1), visited[:, 1:].flatten(0, 1)
)
print(f"median error of one step: {errors.median():.1%}")
print("right on test documents:")
print(f"            the network {metrics['test/accuracy']:.1%}")
print(f"run as a linear network {metrics['linearized/test_accuracy']:.1%}")
print(f"           bag of words {metrics['bow/test_accuracy']:.1%}")

# %% [markdown]
# ## What to do next
#
# The run left `story/page.png` with the paper's figures and `story/explorer.html` to walk through documents word by
# word. [The science](science.md) says what was done here and why; [twelve networks](results.md) what comes out on
# real reviews; [analyse your own RNN](analyse-your-own-rnn.md) how to do it with yours.
