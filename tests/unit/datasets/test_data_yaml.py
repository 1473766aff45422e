"""``data.yaml``: names as they are written, in any encoding that is certain; the rest refused in plain words."""

import codecs
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from traindash.datasets.data_yaml import is_data_yaml, read_data_yaml
from traindash.errors import InputError

# What YAML 1.1 takes for something else than a text
_ODD = (
    *("02146", "no", "yes", "on", "off", "y", "12:30", "3.10", "1e3", "1_000", "0x1F", "0b1", "0o17", "~", "null", "="),
    *("2024-01-01", "2024-13-45", "true", "False", ".5", ".inf", ".nan", "1.", "+1", "-0", "None", "9" * 5000),
)
_NAMES = st.lists(
    st.one_of(
        st.sampled_from(_ODD),
        st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufeff"), min_size=1).filter(
            str.strip
        ),
    ),
    min_size=1,
    max_size=8,
    unique=True,
)
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def _names(text: str) -> list[str]:
    return list(read_data_yaml(text.encode(), "data.yaml").names.values())


@given(names=_NAMES, encoding=st.sampled_from(_ENCODINGS), form=st.sampled_from(["list", "map", "text map", "flow"]))
@example(names=list(_ODD), encoding="utf-8", form="map")
def test_names_arrive_as_they_are_written(names: list[str], encoding: str, form: str) -> None:
    written = [name if name in _ODD else json.dumps(name, ensure_ascii=False) for name in names]
    match form:
        case "list":
            lines = [f"- {name}" for name in written]
        case "map":
            lines = [f"  {number}: {name}" for number, name in enumerate(written)]
        case "text map":
            lines = [f'  "{number}": {name}' for number, name in enumerate(written)]
        case _:
            lines = [f"  [{', '.join(written)}]"]
    text = "\n".join(["train: images/train", "names:", *lines, ""])
    content = text.encode(encoding)
    assert is_data_yaml(content)
    assert dict(read_data_yaml(content, "data.yaml").names) == dict(enumerate(names))


@given(content=st.binary(max_size=120))
@example(content=b"\xff\xfe")
@example(content=b"\xc3")
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    for given_bytes in (content, b"names: [" + content + b"]", b"names:\n  0: " + content):
        is_data_yaml(given_bytes)
        try:
            found = read_data_yaml(given_bytes, "data.yaml")
        except InputError as error:
            assert "data.yaml" in error.message  # noqa: PT017 - or it is read
            assert "constructor" not in error.message  # noqa: PT017
            assert "tag:" not in error.message  # noqa: PT017
        else:
            assert not any({"\ufeff", "\ufffd"} & set(name) for name in found.names.values()) or b"\xef\xbf" in content


def test_what_is_not_utf8_may_stand_in_a_comment() -> None:
    text = "# geprüft von Jörg\nnames: [Schraube, Mutter] # für Räder\ntrain: images/train\n"
    assert list(read_data_yaml(text.encode("cp1252"), "data.yaml").names.values()) == ["Schraube", "Mutter"]
    chinese = "# 螺栓检测表\nnames: [bolt, nut]\n".encode("gbk")
    assert list(read_data_yaml(chinese, "data.yaml").names.values()) == ["bolt", "nut"]


@pytest.mark.parametrize(
    ("name", "encoding"), [("écrou", "cp1252"), ("螺栓", "gbk"), ("ボルト", "cp932"), ("Ø", "cp1252")]
)
def test_a_name_that_is_not_utf8_is_refused_with_its_line(name: str, encoding: str) -> None:
    content = f"train: images/train\nnames: [bolt, {name}]\n".encode(encoding)
    assert is_data_yaml(content)
    with pytest.raises(InputError, match=r"data\.yaml is not UTF-8: line 2"):
        read_data_yaml(content, "data.yaml")


def test_the_other_keys_are_read() -> None:
    found = read_data_yaml(
        b"path: 2024-01-01\ntrain: [images/train, 07]\nval: images/val # 128 images\ntest: # optional\nnc: 2\n"
        b"names:\n  0: bolt\n  1: nut\nkpt_shape: [17, 3]\nflip_idx: [0, 2, 1]\ndownload: https://example.org/a.zip\n",
        "data.yaml",
    )
    assert (found.path, found.nc, found.kpt_shape) == ("2024-01-01", 2, (17, 3))
    assert found.texts["train"] == ("images/train", "07")
    assert found.texts["val"] == ("images/val",)
    assert "test" not in found.texts


@pytest.mark.parametrize("text", ["kpt_shape: (4, 2)", "kpt_shape: !!python/tuple [4, 2]", "kpt_shape:\n- 4\n- 2"])
def test_the_shape_of_key_points_is_read_as_programs_write_it(text: str) -> None:
    assert read_data_yaml(f"names: [a]\n{text}\n".encode(), "data.yaml").kpt_shape == (4, 2)


def test_anchors_and_merged_groups_are_read() -> None:
    text = "base: &base\n  0: bolt\n  1: nut\nnames:\n  <<: *base\n  1: screw nut\n  2: &w washer\nother: *w\n"
    assert _names(text) == ["bolt", "screw nut", "washer"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [bolt, nut, bolt]", "data.yaml, names: “bolt” is there twice."),
        ("names: {0: bolt, 0: nut}", "data.yaml is not valid YAML in line 1: 0 is given twice."),
        ("names: {0: bolt, 00: nut}", "data.yaml, names: the class 0 is there twice."),
        ("names: [a]\nnames: [b]", "data.yaml is not valid YAML in line 2: names is given twice."),
        ("names:\n- bolt\n-\n", "data.yaml, names: the class 1 has no name."),
        ("names: ['bolt', ' ']", "data.yaml, names: the class 1 has no name."),
        ("names: []", "data.yaml, names: there is no class."),
        ("names:", "data.yaml, names: “” is no list of names."),
        ("names: bolt, nut", "data.yaml, names: “bolt, nut” is no list of names."),
        ("names: {bolt: 0}", "data.yaml, names: “bolt” is no number of a class."),
        ("names: [[a, b]]", "data.yaml, names: the name of the class 0 is no text."),
        ("names: [a\n\n", "data.yaml is not valid YAML in line 1: the list that begins with “[” is not closed."),
        (r'names: ["a\x07b"]', "data.yaml, names: the name of the class 0 has the character U+0007, which nobody "
         "sees."),
        ("names: [a\u2028b]", "data.yaml, names: the name of the class 0 has the character U+2028, which nobody sees."),
        ("names: !!python/object:os.system [a]", "data.yaml is not valid YAML in line 1: “!” begins a note that only "
         "programs understand."),
        ("names: [a]\nkpt_shape: 17", "data.yaml, kpt_shape: it is not how many key points an object has and how many "
         "numbers each (2 or 3)."),
        ("names: &a [*a]", "data.yaml is not valid YAML in line 1: a value holds itself."),
        ("names: [*b]", "data.yaml is not valid YAML in line 1: “*” stands for a value that “&” names nowhere."),
        ("names: " + "[" * 5000, "data.yaml is not valid YAML in line 1: values are nested too deeply."),
        ("names: " + "[" * 60 + "]" * 60, "data.yaml is not valid YAML in line 1: values are nested too deeply."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_data_yaml(text.encode(), "data.yaml")
    assert caught.value.message == message
    assert caught.value.hint


def test_aliases_do_not_multiply() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="more than 100,000 values"):
        read_data_yaml("\n".join([*lines, "names: [*a8]"]).encode(), "data.yaml")


def test_a_mark_of_bytes_leaves_no_trace() -> None:
    assert list(read_data_yaml(codecs.BOM_UTF8 + b"names: [bolt]\r\n", "data.yaml").names.values()) == ["bolt"]
