"""How the fits of a job are run, whatever they train."""

from dataclasses import dataclass, field

import tensorflow as tf

from training.execution.checkpoints import Checkpoints


@dataclass(frozen=True)
class Execution:
    """*seed* determines all randomness, *jit_compile* uses XLA, *strategy* distributes the steps over replicas."""

    seed: int = 0
    jit_compile: bool = False
    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
