"""The engine of the toy framework (``tests/data/toy_framework``): the second of the two places of the recipe.

It reads its own spelling of the hyperparameters and leaves the rest to the fake trainer, which computes nothing.
"""

import sys

import yaml

from tests.fakes import trainer


def read_toy_text(hyperparameters: str) -> trainer.Behaviour:
    """Read how many rounds there are; evaluations make mistakes, so that there is something to compare."""
    content = yaml.safe_load(hyperparameters)
    return trainer.Behaviour(epochs=content["schedule"]["rounds"], benchmark=True)


if __name__ == "__main__":
    trainer.read_behaviour = read_toy_text
    sys.exit(trainer.main(sys.argv[1]))
