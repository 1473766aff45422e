"""RT-DETRv2 and DEIM as an engine: ``python -m traindash.training.trainers.detr RUN_DIR``.

The models are those of transformers (``RTDetrV2ForObjectDetection``, ``DFineForObjectDetection``,
``Deimv2ForObjectDetection``), losses and matching included; the training around them is in this package. ``settings``
reads the hyperparameters as the training apps of Supervisely write them, ``schedules`` computes learning rates and
averaged weights, ``images`` makes batches, ``networks`` builds, saves and loads models, ``predicting`` finds objects,
``loop`` trains, and ``engine`` answers to the shared pipeline.
"""
