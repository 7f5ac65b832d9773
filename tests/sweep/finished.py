"""Folders as finished runs leave them, made without training anything."""

import json

import numpy as np
import yaml


def finished_run(
    folder, *, arch="gru", data="made", seed=0, metrics=None, arrays=False, questions=("modes",), **training
):
    """Leave the results of a run; `training` are options in which runs may differ."""
    folder.mkdir(parents=True)
    asked = {name: {"_target_": f"slowpoints.questions.{name}.ModesQuestion"} for name in questions}
    config = {
        "arch": {"name": arch, "hidden_size": 6},
        "data": {"name": data, "source": "hub", "root": str(folder)},
        "training": {"rate": 0.001, **training},
        "analysis": {"questions": asked},
        "seed": seed,
        "threads": seed + 1,
        "tracking": {"uri": str(folder)},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    summary = {"metrics": {"test/accuracy": 0.5, **(metrics or {})}, "findings": {"modes": "<b>slow</b> & long"}}
    (folder / "summary.json").write_text(json.dumps(summary))
    if arrays:
        (folder / "arrays").mkdir()
        for name, content in made_arrays().items():
            np.savez(folder / "arrays" / f"{name}.npz", **content)
    return folder


def made_arrays():
    random = np.random.default_rng(0)
    classes = np.repeat([1, -1, 0], 10)
    return {
        "manifold": {
            "visited_plane": random.normal(size=(50, 2)),
            "plane": random.normal(size=(20, 2)),
            "place": np.linspace(-1, 1, 20),
            "by_theta": np.array(True),
        },
        "modes": {
            "example_spectra": 0.5 * (random.normal(size=(3, 6)) + 1j * random.normal(size=(3, 6))),
            "tau": random.uniform(1, 100, size=(20, 3)),
            "place": np.linspace(-1, 1, 20),
            "by_theta": np.array(True),
        },
        "inputs": {"projections": random.normal(size=(20, 30)) + classes, "classes": classes},
    }
