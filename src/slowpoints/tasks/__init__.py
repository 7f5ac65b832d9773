"""What networks are trained for: sequences, and what is to be said of them."""

from slowpoints.tasks.outputs import TWO_CLASSES, Classes, Outputs, Values
from slowpoints.tasks.sequences import Sequences
from slowpoints.tasks.task import Task

__all__ = ["TWO_CLASSES", "Classes", "Outputs", "Sequences", "Task", "Values"]
