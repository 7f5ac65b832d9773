"""What a large sweep costs: arithmetic on measured inputs, for docs/scaling.md. Nothing is run.

    python benchmarks/scaling.py --gpu-step 45

Each input is an option, and its default is where docs/scaling.md says that it was measured or why it is assumed.
"""

import argparse
import math
from dataclasses import dataclass

ARCHITECTURES = 4
SEQUENCES = 64  # documents in a batch
LOGGED = 20  # steps from one point of the curves to the next


@dataclass(frozen=True)
class Data:
    """A data set as it is trained on: documents, mean and longest tokens of a batch, and epochs."""

    name: str
    documents: int
    tokens: float
    epochs: int

    @property
    def work(self) -> float:
        """Tokens of one training."""
        return self.documents * self.tokens * self.epochs


def gpu_tokens_per_second(step_microseconds: float) -> float:
    """Return the throughput of a network so small that the time of a step does not depend on the batch."""
    return SEQUENCES / (step_microseconds * 1e-6)


def wall_hours(jobs: list[float], places: int) -> float:
    """Return how long jobs (seconds, longest first) take when each goes to the place that is free first."""
    busy = [0.0] * places
    for seconds in sorted(jobs, reverse=True):
        first = min(range(places), key=busy.__getitem__)
        busy[first] += seconds
    return max(busy) / 3600


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--cpu", type=float, default=22_700, help="tokens a second of one processor thread")
    parser.add_argument("--gpu-step", type=float, default=45, help="microseconds of a time step, both ways")
    parser.add_argument("--share", type=float, default=3, help="jobs that share a GPU before it is full")
    parser.add_argument("--start", type=float, default=30, help="seconds to start a job")
    parser.add_argument("--analyses", type=float, default=300, help="seconds of the analyses of one network")
    parser.add_argument("--megabytes", type=float, default=18, help="that a run leaves")
    options = parser.parse_args()
    sets = [Data("IMDB", 22_500, 230, 5), Data("Yelp, full", 560_000, 140, 4), Data("SST", 6_920, 19, 8)]
    throughput = {"one CPU thread": options.cpu, "one GPU": gpu_tokens_per_second(options.gpu_step)}

    print("| data | tokens of a training | " + " | ".join(f"{name}, hours" for name in throughput) + " |")
    print("|---|---|" + "---|" * len(throughput))
    for each in sets:
        hours = [f"{each.work / speed / 3600:.2f}" for speed in throughput.values()]
        print(f"| {each.name} | {each.work / 1e6:,.0f} million | {' | '.join(hours)} |")

    jobs = [
        each.work / throughput["one GPU"] + options.start + options.analyses
        for each in sets
        for _ in range(ARCHITECTURES * options.seeds)
    ]
    print(f"\n{len(jobs)} jobs, {sum(jobs) / 3600:.0f} GPU hours one at a time\n")
    print(f"| GPUs | one job each, hours | {options.share:g} jobs share each, hours at least |\n|---|---|---|")
    for gpus in (1, 8, 64):
        shared = max(sum(jobs) / options.share / gpus / 3600, max(jobs) / 3600)
        print(f"| {gpus} | {wall_hours(jobs, gpus):.1f} | {shared:.1f} |")
    print(f"\nFiles of all runs: {len(jobs) * options.megabytes / 1000:.1f} GB, and as much in MLflow")
    metrics = len(jobs) * 2 * math.ceil(sets[1].documents / SEQUENCES / LOGGED)
    print(f"Points of curves, all jobs as long as Yelp's: {metrics / 1e6:.1f} million an epoch")


if __name__ == "__main__":
    main()
