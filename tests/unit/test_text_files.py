"""Text of people's files: read for certain, or refused with the file's name, the line and what to do."""

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from traindash.datasets.source import read_json
from traindash.errors import InputError
from traindash.text_files import EncodingError, as_utf8, ascii_part, decode_text, likely_encoding, lines_of, read_text

_UNICODE = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
_LEGACY = ("cp1252", "cp1250", "cp1251", "cp1253", "cp437", "mac_roman", "gbk", "big5", "cp932", "cp949", "koi8_r")
# Letters that class names are made of, in many scripts; no control characters and no byte order mark
_NAMES = st.text(
    st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Zs", "Pd", "Pc"), exclude_characters="\ufeff"), min_size=1
)
_LISTS = st.lists(_NAMES, min_size=1, max_size=8)


def _written_in(encoding: str) -> st.SearchStrategy[tuple[str, list[str]]]:
    """Names with a letter beyond ASCII, in an encoding that has it."""
    letters = st.characters(
        codec=encoding, min_codepoint=0xA1, categories=("Lu", "Ll", "Lo"), exclude_characters="\u3164"
    )
    names = st.tuples(st.text(letters, min_size=1), st.sampled_from(["", "bolt", "-Dichtung"])).map("".join)
    return st.tuples(st.just(encoding), st.lists(names, min_size=1, max_size=8))


@given(names=_LISTS, encoding=st.sampled_from(sorted(_UNICODE)), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_text_with_a_mark_is_read_as_it_was_written(names: list[str], encoding: str, end: str) -> None:
    text = end.join(names) + end
    assert lines_of(decode_text(_UNICODE[encoding] + text.encode(encoding), "classes.txt")) == names


@given(names=_LISTS, encoding=st.sampled_from(sorted(_UNICODE)))
@example(names=["一"], encoding="utf-16-be")
@example(names=["螺栓", "bolt"], encoding="utf-16-le")
def test_text_without_a_mark_is_read_or_refused(names: list[str], encoding: str) -> None:
    text = "\r\n".join(names) + "\r\n"
    assert decode_text(text.encode(encoding), "classes.txt") == text


@given(text=_NAMES, encoding=st.sampled_from(sorted(_UNICODE)))
def test_a_single_name_is_never_read_as_another(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    # Bytes that are another text in UTF-8 have no way to tell
    assume(encoding == "utf-8" or not _is_utf8(content))
    assert _read(content) in {text, None}


# Each is looked at by a detector with models of many languages; the first letters of a codec take Hypothesis seconds
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(written=st.sampled_from(_LEGACY).flatmap(_written_in))
@example(written=("cp1252", ["écrou", "vis"]))
@example(written=("cp1252", ["Ø-Dichtung"]))
@example(written=("gbk", ["螺栓"]))
@example(written=("cp932", ["ボルト"]))
@example(written=("cp1251", ["болт"]))
def test_other_encodings_are_refused_by_name(written: tuple[str, list[str]]) -> None:
    encoding, names = written
    content = "\n".join(names).encode(encoding)
    assume(not _is_utf8(content))
    with pytest.raises(EncodingError) as caught:
        decode_text(content, "classes.txt")
    assert "classes.txt" in caught.value.message
    assert "line" in caught.value.message
    assert "UTF-8" in caught.value.hint


@given(content=st.binary(max_size=200))
def test_any_bytes_are_text_or_refused_by_name(content: bytes) -> None:
    text = _read(content)
    assert text is None or not {"\ufeff", "\0"} & set(text)


def test_the_refusal_shows_the_line_and_the_likely_encoding() -> None:
    names = "Schraube\nSchlüssel für Räder\nUnterlegscheibe\n"
    with pytest.raises(EncodingError) as caught:
        decode_text(names.encode("cp1252"), "classes.txt")
    assert caught.value.message == (
        "classes.txt is not UTF-8: line 2 cannot be read for certain. "
        "It looks like Windows-1252 (line 2 would be “Schlüssel für Räder”)."
    )
    assert "iconv -f Windows-1252 -t UTF-8 classes.txt" in caught.value.hint


def test_the_refusal_of_one_long_line_shows_where_it_cannot_be_read() -> None:
    content = '{"shapes": [' + '{"label": "bolt"}, ' * 50 + '{"label": "Schlüssel für Räder"}]}'
    with pytest.raises(EncodingError, match=r"“.*Schlüssel.*”"):
        decode_text(content.encode("cp1252"), "photo.json")


@pytest.mark.parametrize(
    ("text", "encoding", "likely"),
    [
        ("螺栓\n螺母\n垫圈\n", "gbk", "gb18030"),
        ("ボルト\nナット\n", "cp932", "cp932"),
        ("болт\nгайка\nшайба\n", "cp1251", "cp1251"),  # noqa: RUF001 - Russian
    ],
)
def test_the_likely_encoding_is_named(text: str, encoding: str, likely: str) -> None:
    found = likely_encoding(text.encode(encoding))
    assert found is not None
    assert text.encode(encoding).decode(found) == text
    assert codecs.lookup(found).name in {likely, encoding}


def test_a_damaged_byte_in_utf8_is_refused_with_its_line() -> None:
    content = "Schlüssel\nMuffe für Öl\nR\xe4der".encode().replace("ä".encode(), b"\xe4")
    with pytest.raises(EncodingError, match="is UTF-8, but line 3 has characters that are not"):
        decode_text(content, "classes.txt")


def test_a_text_that_breaks_its_mark_is_refused() -> None:
    with pytest.raises(EncodingError, match="begins as UTF-16, but line 2 is not"):
        decode_text(codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le") + b"x", "classes.txt")


@pytest.mark.parametrize("content", [b"bolt\x1b$B\n", b"GIF89a\x01\x00\x02\x00\xff\xff", b"nut\x07"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(EncodingError, match=r"classes\.txt is not"):
        decode_text(content, "classes.txt")


def test_files_put_together_keep_no_mark() -> None:
    assert decode_text("\ufeff\ufeffbolt\n\ufeffnut\n".encode(), "classes.txt") == "bolt\nnut\n"


def test_the_end_mark_of_dos_is_dropped() -> None:
    assert decode_text(b"bolt\r\nnut\r\n\x1a", "classes.txt") == "bolt\r\nnut\r\n"


def test_only_line_ends_split_lines() -> None:
    assert lines_of("a\x0bb\r\nc\u2028d\re\n\nf\x85") == ["a\x0bb", "c\u2028d", "e", "", "f\x85"]
    assert lines_of("") == []


def test_a_file_is_named_as_the_person_calls_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^names/classes\.txt cannot be read: No such file"):
        read_text(tmp_path / "classes.txt", "names/classes.txt")
    with pytest.raises(InputError, match=r"^classes cannot be read: Is a directory"):
        read_text(tmp_path, "classes")


def test_utf8_is_handed_on_without_a_copy() -> None:
    content = b'{"a": 1}'
    assert as_utf8(content, "a.json") is content


@pytest.mark.parametrize("encoding", sorted(_UNICODE))
@pytest.mark.parametrize("has_mark", [True, False])
def test_json_is_read_in_every_unicode_encoding(tmp_path: Path, encoding: str, has_mark: bool) -> None:  # noqa: FBT001
    path = tmp_path / "a.json"
    written = {"name": "écrou 螺栓", "id": 1}
    text = json.dumps(written, ensure_ascii=False)
    path.write_bytes((_UNICODE[encoding] if has_mark else b"") + text.encode(encoding))
    assert read_json(path) == written
    assert ascii_part(path.read_bytes()).startswith(b'{"name": ')


def test_json_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('{"id": 1,\n"name": "écrou"}'.encode("cp1252"))
    with pytest.raises(EncodingError, match=r"^labels/a\.json is not UTF-8: line 2"):
        read_json(path, "labels/a.json")


def test_names_in_json_lose_the_mark_of_the_file_they_came_from(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"names": ["\\ufeffbolt", "\ufeffnut", "half \\ud83d"]}', encoding="utf-8")
    assert read_json(path) == {"names": ["bolt", "nut", "half ?"]}


def _read(content: bytes) -> str | None:
    """The text, or ``None`` for a refusal."""
    try:
        return decode_text(content, "classes.txt")
    except EncodingError:
        return None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
