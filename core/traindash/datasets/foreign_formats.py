"""Layouts that are recognized and not read: what they are called, and how their owner gets to one that is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from traindash.datasets.folder import Folder
from traindash.datasets.image_files import is_image
from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.text_files import ascii_start

_PEEK = 2**14
_NAMED = 3  # files that a message names
_MOST_FILES = 50  # of one kind that are opened to see what they are
_AS_COCO = N_("Export it as COCO, which most tools offer, with the images.")
_ROBOFLOW = N_("In Roboflow, choose “COCO” or “YOLOv8” when you export the version.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """What a format can be told by: a file's path, and something inside of it."""

    title: str
    path: str  # pattern of the path relative to the root, ignoring case
    content: str = ""  # pattern of the file's first kilobytes; empty if the path says enough
    advice: tuple[str, ...] = (_AS_COCO,)


# The surest first.
_SIGNS = (
    _Sign(title="TFRecord", path=r"\.(tfrecords?|record)(-\d+-of-\d+)?$", advice=(_AS_COCO, _ROBOFLOW)),
    _Sign(
        title=N_("masks of a semantic segmentation of Roboflow (“_classes.csv”)"),
        path=r"(^|/)_classes\.csv$",
        content=r"^\W*pixel value",
        advice=(N_("Export it as COCO Segmentation: masks of whole classes do not tell one object from the next."),),
    ),
    _Sign(
        title=N_("a multi-class CSV of Roboflow (“_classes.csv”)"),
        path=r"(^|/)_classes\.csv$",
        content=r"^\W*filename\W",
        advice=(N_("It says which classes are on an image, but not where; export a project of object detection."),),
    ),
    _Sign(title=N_("an export of Labelbox"), path=r"\.(ndjson|json|jsonl)$", content=r'"data_row"'),
    _Sign(
        title=N_("JSON lines for a language model"),
        path=r"\.jsonl$",
        content=r'"(messages|prefix|suffix)"',
        advice=(_ROBOFLOW,),
    ),
    _Sign(title=N_("an Amazon SageMaker manifest"), path=r"\.(manifest|jsonl)$", content=r'"source-ref"'),
    _Sign(
        title=N_("a project of the VGG Image Annotator"), path=r"\.json$", content=r'"(_via_settings|shape_attributes)"'
    ),
    _Sign(title=N_("a CSV of the VGG Image Annotator"), path=r"\.csv$", content="region_shape_attributes"),
    _Sign(title=N_("a CSV of Open Images"), path=r"\.csv$", content=r"^\W*ImageID,.*(LabelName|XMin)"),
    _Sign(title=N_("a CSV of VoTT"), path=r"\.csv$", content=r'^\W*"?image"?,"?xmin"?'),
    _Sign(
        title=N_("a CSV of boxes without a header, as for RetinaNet"),
        path=r"\.csv$",
        content=r"^[^,\n]+\.\w{3,4},-?\d+(\.\d+)?,-?\d+(\.\d+)?,-?\d+(\.\d+)?,-?\d+(\.\d+)?,",
        advice=(N_("Write filename,x1,y1,x2,y2,class … as filename,class,xmin,ymin,xmax,ymax with that line on top."),),
    ),
    _Sign(
        title=N_("a list of images with boxes, as for YOLOv4 in PyTorch"),
        path=r"\.txt$",
        content=r"^\S+\.(jpe?g|png|bmp|webp)[ \t]+\d+(\.\d+)?(,\d+(\.\d+)?){4}\s",
        advice=(_AS_COCO, _ROBOFLOW),
    ),
    _Sign(
        title=N_("labels in YOLO layout with names in place of class numbers"),
        path=r"\.txt$",
        content=r"^[^\W\d]\S*([ \t]+[01]?\.\d+){4}\s",
        advice=(
            N_(
                "Begin each line with the number of the class, from 0, and name the classes in data.yaml in that order."
            ),
        ),
    ),
    _Sign(title=N_("a project of VoTT"), path=r"\.(vott|json)$", content=r'"(visitedRegionNames|lastVisitedAssetId)"'),
    _Sign(title=N_("a dataset of Datumaro"), path=r"\.json$", content=r'"(dm_format_version|media_type)"'),
    _Sign(title=N_("Darwin JSON of V7"), path=r"\.json$", content=r'"(slots|darwin)"'),
    _Sign(title=N_("annotations of SuperAnnotate"), path=r"\.json$", content=r'"instances".*"className"'),
    _Sign(title=N_("annotations of BDD100K or Scalabel"), path=r"\.json$", content=r'"box2d"|"poly2d"'),
    _Sign(
        title=N_("images with masks in files of their own"),
        path=r"(^|/)(masks|segmentation_?masks|segmentation(class|object)|labelids)/[^/]+\.png$",
        advice=(N_("Such masks do not name their classes. Export them as COCO with segmentation, or as Supervisely."),),
    ),
    _Sign(title="Cityscapes", path=r"_gtfine_(polygons\.json|labelids\.png)$"),
    _Sign(title=N_("an MOT sequence"), path=r"(^|/)(seqinfo\.ini|gt/gt\.txt)$"),
    _Sign(title="DOTA", path=r"(^|/)labeltxt/[^/]+\.txt$"),
    _Sign(title="WIDER FACE", path=r"wider_face_.*_bbx_gt\.txt$"),
    _Sign(title="KITTI", path=r"\.txt$", content=r"^\w+ -?\d(\.\d+)? -?\d -?\d+(\.\d+)?( -?\d+(\.\d+)?){11}"),
    _Sign(title="dlib's XML", path=r"\.xml$", content=r"<dataset[\s>].*<images>"),
    _Sign(title=N_("a dataset in Parquet or Arrow"), path=r"\.(parquet|arrow)$"),
    _Sign(title=N_("arrays of NumPy, HDF5 or MATLAB"), path=r"\.(npy|npz|h5|hdf5|mat)$"),
    _Sign(
        title=N_("a video"),
        path=r"\.(mp4|avi|mov|mkv|webm|m4v|mpe?g|wmv)$",
        advice=(N_("Save its frames as images, for instance with ffmpeg, and annotate those."),),
    ),
    _Sign(
        title=N_("a table of Label Studio"),
        path=r"\.(csv|tsv)$",
        content=r"^[^\n]*\b(annotation_id|lead_time)\b",
        advice=(N_("In Label Studio, export as JSON or COCO."),),
    ),
    _Sign(
        title=N_("a table with other columns"),
        path=r"\.(csv|tsv)$",
        advice=(N_("Call its columns filename, class, xmin, ymin, xmax and ymax, the corners in pixels."),),
    ),
    _Sign(
        title=N_("a spreadsheet"),
        path=r"\.(xlsx?|ods)$",
        advice=(N_("Save it as CSV with the columns filename, class, xmin, ymin, xmax and ymax."),),
    ),
)
_ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.\w+|7z|rar|gz|bz2|xz|zst)(\.\d{3})?$", re.IGNORECASE)


def archives_in(folder: Folder) -> list[str]:
    """Return the archives inside a folder or archive, which nobody unpacks."""
    return [place for place in folder.files if _ARCHIVE.search(place)]


def refusal(folder: Folder, known: str) -> InputError:
    """Return why a folder in no layout that is read cannot be used, and the next step.

    ``known`` says what the layouts consist of that are read.
    """
    name = folder.root.name
    if not folder.files:
        return InputError(
            _("{name} has no files.").format(name=name),
            _("Choose the folder or archive with your images and annotations."),
        )
    if packed := archives_in(folder):
        msg = _("{name} holds archives that are not looked into: {packed}.").format(
            name=name, packed=", ".join(packed[:_NAMED])
        )
        return InputError(msg, _("Unpack them side by side and choose the folder around them, or choose one of them."))
    if (foreign := _foreign(folder)) is not None:
        return foreign
    if not any(map(is_image, folder.files)):
        return InputError(_("{name} has no layout that can be read, and not one image in it.").format(name=name), known)
    return InputError(_("{name} has no layout that can be read.").format(name=name), known)


def is_foreign(folder: Folder) -> bool:
    """Return whether a folder shows the signs of a format that is not read."""
    return _foreign(folder) is not None


def _foreign(folder: Folder) -> InputError | None:
    for sign in _SIGNS:
        if found := _shown_by(sign, folder):
            return InputError(
                _("{name} looks like {title} ({found}), which is not read.").format(
                    name=folder.root.name, title=_(sign.title), found=found
                ),
                " ".join(map(_, sign.advice)),
            )
    return None


def _shown_by(sign: _Sign, folder: Folder) -> str:
    """The file that shows a sign, relative to the root; empty if none does."""
    named = (place for place in folder.files if re.search(sign.path, place, re.IGNORECASE))
    if not sign.content:
        return next(named, "")
    shows: Callable[[str], bool] = partial(_has, folder.root, re.compile(sign.content, re.IGNORECASE | re.DOTALL))
    return next(filter(shows, islice(named, _MOST_FILES)), "")


def _has(root: Path, pattern: re.Pattern[str], place: str) -> bool:
    return pattern.search(ascii_start(root / place, _PEEK).decode("utf-8", "replace")) is not None
