"""On what experiments are compared: as each was measured, or re-scored on what they have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from traindash.comparison.experiment import CommonSet, Comparison, LeftOut, OmittedImage
from traindash.comparison.significance import Significance, judged, models_of, resampled
from traindash.comparison.verdict import judge
from traindash.domain.experiment import MEAN_IOU
from traindash.evaluation.comparability import (
    Comparability,
    ComparabilityKind,
    MeasuredModel,
    comparability,
    identities,
    rescored,
    training_identities,
)
from traindash.evaluation.evaluation import Evaluation, SizeSlice, size_slices
from traindash.formatting import count, listing, plural
from traindash.language import N_, ngettext
from traindash.language import gettext as _

_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonBasis:
    """How experiments may stand side by side."""

    significance: Significance  # what the images can tell about differences; its resamples are not made yet
    # what the evaluations were scored on again; `None` where the figures are as each was measured
    common: CommonSet | None = None
    # experiment key → its evaluation on the common set
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    # experiment key → the figures of that evaluation by size of the objects
    sizes: Mapping[str, tuple[SizeSlice, ...]] = field(default_factory=dict)

    def applied_to(self, comparison: Comparison) -> Comparison:
        """Return the comparison with its evaluations on this footing; baseline, labels and styles stay."""
        if self.common is None:
            return comparison
        experiments = tuple(
            replace(
                experiment,
                evaluation=self.evaluations.get(experiment.key, experiment.evaluation),
                sizes=self.sizes.get(experiment.key, ()),
            )
            for experiment in comparison.experiments
        )
        return replace(comparison, experiments=experiments, common=self.common)


def basis_of(comparison: Comparison, *, rescore: bool = True) -> ComparisonBasis:
    """Judge experiments, and score unlike ones again on their common, untrained images and classes.

    Without ``rescore``, or where it is not possible, unlike experiments are not ranked.
    """
    models = models_of(comparison)
    if len(models) < _FEWEST:
        return ComparisonBasis(significance=Significance())
    judgement = comparability(models)
    if judgement.kind is not ComparabilityKind.RESCORE or not rescore:
        return ComparisonBasis(significance=judged(comparison, judgement))
    keys = [experiment.key for experiment, _evaluation in comparison.evaluated]
    again = dict(zip(keys, rescored(models, judgement), strict=True))
    basis = ComparisonBasis(
        significance=Significance(),
        common=_common_set(comparison, models, judgement),
        evaluations=again,
        sizes={key: size_slices(evaluation) for key, evaluation in again.items()},
    )
    return replace(basis, significance=judged(basis.applied_to(comparison)))


def on_fair_basis(comparison: Comparison) -> tuple[Comparison, Significance]:
    """Return the comparison as its figures may stand side by side, and what the images can tell about them."""
    basis = basis_of(comparison)
    return basis.applied_to(comparison), resampled(basis.significance)


def _common_set(comparison: Comparison, models: Sequence[MeasuredModel], judgement: Comparability) -> CommonSet:
    names = [identities(model, judgement.identity) for model in models]
    shared = set(names[0]).intersection(*names[1:])
    trained = [training_identities(model, judgement.identity) or frozenset() for model in models]
    kept = set(judgement.images)
    left_out = []
    for (experiment, evaluation), own in zip(comparison.evaluated, names, strict=True):
        images = evaluation.pair.images
        omitted = []
        for name, file_name, dataset in zip(own, images.file_names, images.datasets, strict=True):
            if name in kept:
                continue
            seen_by = [c.name for c, known in zip(models, trained, strict=True) if name.text in known]
            reason = _("annotated differently") if name in shared else _("not in all experiments")
            if seen_by:
                reason = _("{names} trained on it").format(names=listing(seen_by))
            omitted.append(OmittedImage(name=file_name, dataset=dataset, reason=reason))
        left_out.append(
            LeftOut(
                key=experiment.key,
                label=experiment.label,
                evaluated=len(own),
                images=tuple(omitted),
                classes=tuple(name for name in evaluation.classes if name not in judgement.classes),
            )
        )
    return CommonSet(
        images=len(judgement.images),
        classes=judgement.classes,
        reasons=tuple(reason.text for reason in judgement.reasons if not reason.only_a_warning),
        left_out=tuple(left_out),
    )


# The comparability badge: in two or three words whether figures may stand side by side, with the reasons.


# true of trainings here and of Supervisely's apps: both keep the checkpoint that is best on the validation images
CHOSEN_ON_THEM = N_("They also chose the best checkpoint of each training, so on new images all may do a little worse.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How comparable the experiments are."""

    # `alike`: same images, classes and thresholds. `reserved`: the same as far as is known. `rescored`: made alike by
    # scoring again. `unlike`: shown as each was measured. `unknown`: nothing to judge
    kind: Literal["alike", "reserved", "rescored", "unlike", "unknown"]
    words: str  # for the badge
    reasons: tuple[str, ...]  # why; sentences


def _by_pixels(comparison: Comparison) -> Standing:
    verdict = judge(comparison)
    if verdict.kind == "unlike":
        words = _("Not comparable") if comparison.score != MEAN_IOU else _("Not measured alike")
        return Standing(kind="unlike", words=words, reasons=verdict.sentences)
    if len(comparison.semantic) < _FEWEST:
        reason = _("Fewer than two experiments have figures of their classes, so there is nothing to hold together.")
        return Standing(kind="unknown", words=_("Not checked"), reasons=(reason,))
    reason = _("All were measured on the same classes and on images of the same names.")
    return Standing(kind="reserved", words=_("Measured alike as far as is known"), reasons=(reason, *verdict.warnings))


def standing_of(comparison: Comparison, significance: Significance) -> Standing:
    """Return the badge of a comparison on the basis it is shown on."""
    warnings = tuple(reason.text for reason in significance.reasons if reason.only_a_warning)
    if comparison.common is not None:
        number = comparison.common.images
        again = ngettext("Scored again on {count} common image", "Scored again on {count} common images", number)
        words = again.format(count=count(number))
        return Standing(kind="rescored", words=words, reasons=(*comparison.common.reasons, *warnings))
    if any(experiment.is_semantic for experiment in comparison.experiments):
        return _by_pixels(comparison)
    if significance.judgement is None:
        reason = _("Fewer than two experiments have an evaluation, so there is nothing to hold against each other.")
        return Standing(kind="unknown", words=_("Not checked"), reasons=(reason,))
    reasons = tuple(reason.text for reason in significance.reasons)
    if not significance.are_comparable:
        return Standing(kind="unlike", words=_("Not measured alike"), reasons=reasons)
    if warnings:
        return Standing(kind="reserved", words=_("Measured alike as far as is known"), reasons=reasons)
    images = plural(len(significance.judgement.images), "image", "images")
    classes = plural(len(significance.judgement.classes), "class", "classes")
    same = _(
        "All were measured on the same {images} and {classes} at the same thresholds, and none was trained on them."
    )
    words = same.format(images=images, classes=classes)
    return Standing(kind="alike", words=_("Measured alike"), reasons=(words, _(CHOSEN_ON_THEM)))
