"""Where our figures differ from those of Supervisely's evaluator on purpose: the one table.

The contract test runs both on random data: what differs there must be explained by an entry of this table, and each
entry must be shown by a case of its own. Seen in the official SDK 6.74.51 (``supervisely.nn.benchmark``).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One deliberate difference.

    Attributes:
        key: Short name; the tests use it.
        when: The data that show it.
        supervisely: What Supervisely's evaluator gives.
        ours: What we give.
        reason: Why.
    """

    key: str
    when: str
    supervisely: str
    ours: str
    reason: str


DEVIATIONS = (
    Deviation(
        key="ap50-of-empty-classes",
        when="a class has no countable object",
        supervisely="AP50 (and the AP of a custom IoU threshold) counts the class as 0",
        ours="COCO's value: the class is left out",
        reason="json_metrics() writes the key twice, and the second value replaces undefined by 0",
    ),
    Deviation(
        key="ap-of-empty-class",
        when="a class has no countable object",
        supervisely="its AP is 0, its column of the PR curve is -1",
        ours="not defined; 0 only in AP_by_class of the JSON report, for programs that read Supervisely's file",
        reason="a class that was not asked for was not failed",
    ),
    Deviation(
        key="nothing-right",
        when="no detection is right",
        supervisely="RuntimeError: Model predicted no TP matches",
        ours="mAP, recall and F1 are 0; what has no value stays undefined",
        reason="a bad model is a result",
    ),
    Deviation(
        key="no-detections",
        when="the model found nothing",
        supervisely="IndexError while the predictions are read",
        ours="the same figures as for nothing right",
        reason="a bad model is a result",
    ),
    Deviation(
        key="uncompressed-predictions",
        when="the masks of the predictions are uncompressed run lengths or polygons",
        supervisely="TypeError while the predictions are read",
        ours="read like those of the ground truth",
        reason="COCO allows the same three forms in both files",
    ),
    Deviation(
        key="crowd-before-object",
        when="a crowd object stands before another object of its image and class in the file",
        supervisely="the IoU of matches is read from another object's column: AssertionError, or a wrong IoU",
        ours="the IoU of the matched object",
        reason="gtIds are sorted (crowds last), the columns of ious are not",
    ),
    Deviation(
        key="object-id-zero",
        when="the id of an object is 0",
        supervisely="its match counts as no match",
        ours="an id like any other",
        reason="pycocotools marks 'no match' by 0",
    ),
    Deviation(
        key="order-of-equal-pairs",
        when="pairs of confused classes have equal counts",
        supervisely="their order, and which of them are among the 20, is that of an unstable sort",
        ours="the order of the classes",
        reason="the same files must give the same table",
    ),
    Deviation(
        key="confidence-zero",
        when="the custom confidence threshold is 0",
        supervisely="the F1-optimal threshold is used",
        ours="0 is used",
        reason="0 is a threshold; only 'auto' asks for the optimal one",
    ),
    Deviation(
        key="nothing-above-confidence",
        when="no true positive reaches the custom confidence threshold",
        supervisely="ZeroDivisionError, or undefined figures",
        ours="recall and F1 are 0; what has no value stays undefined",
        reason="a threshold that is too high is a result",
    ),
)
