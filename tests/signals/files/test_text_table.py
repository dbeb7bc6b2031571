import codecs

import pytest

from painlit.errors import ClipError
from painlit.signals.files.text_table import read_text_table

ROWS = [["0", "72.5"], ["1", "73"], ["2", "74.25"]]


def table_of(tmp_path, content: str | bytes):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_text_table(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " ", ", ", " ;  ", "    "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path, delimiter, end):
    text = end.join(delimiter.join(row) for row in [["time", "bpm"], *ROWS, [""], [""]])
    table = table_of(tmp_path, text)
    assert (table.header, table.rows, table.lines) == (["time", "bpm"], ROWS, [2, 3, 4])


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_decimal_commas(tmp_path, delimiter):
    text = "\n".join(delimiter.join(row).replace(".", ",") for row in ROWS)
    table = table_of(tmp_path, text)
    assert (table.header, table.rows) == (None, ROWS)
    assert any("2 numbers have decimal commas" in note for note in table.notes)


def test_a_decimal_comma_below_one_name_is_none_between_columns(tmp_path):
    assert table_of(tmp_path, "RR [s]\n0,812\n0,795\n").rows == [["0.812"], ["0.795"]]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)  # fmt: skip
@pytest.mark.parametrize("bom", [False, True])
def test_encodings(tmp_path, encoding, bom):
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"") if bom else b""
    table = table_of(tmp_path, mark + "Größe;µV\n1;2\n3;4\n".encode(encoding))
    assert table.header == ["Größe", "µV"]
    assert table.rows == [["1", "2"], ["3", "4"]]
    assert any("text in" in note for note in table.notes) == (not encoding.startswith("utf-8"))


def test_quotes_comments_and_blank_lines(tmp_path):
    table = table_of(tmp_path, '# by a device\n"time","bpm, resting"\n\n"0","72"\n\n# more\n1,"7""3"\n')
    assert (table.header, table.rows, table.lines) == (["time", "bpm, resting"], [["0", "72"], ["1", '7"3']], [4, 7])


def test_rows_may_differ_in_length(tmp_path):
    table = table_of(tmp_path, "Name,Sport\nX,RUNNING,2026\n\nRate,Time,HR\n1,00:00:00,76,,\n,00:00:01,76,,\n")
    assert [len(row) for row in table.rows] == [3, 3, 5, 5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \r\n\n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"\0" * 300, "is empty"),
        (b"# only a comment\n", "no rows"),
        (b"time,bpm\n0,72\n1,\0\0\0\n2,73\n", "row 3: it is no text file, or damaged there"),
        (b'time,bpm\n0,72\n1,"73\n2,74\n', "line 3: .*quotation mark"),
        (codecs.BOM_UTF16_LE + b"a\0b", "is damaged"),
    ],
)
def test_what_is_no_table(tmp_path, content, message):
    with pytest.raises(ClipError, match=message):
        table_of(tmp_path, content)


def test_rows_before_padding_with_nul_are_kept_and_noted(tmp_path):
    table = table_of(tmp_path, b"time,bpm\n0,72\n1,7" + bytes(300))
    assert table.rows == [["0", "72"]]
    assert any("300 NUL bytes at the end" in note for note in table.notes)


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(ClipError, match="cannot be read"):
            read_text_table(path)


@pytest.mark.parametrize(("text", "cut"), [("0,1\n2,3", True), ("0,1\n2,3\n", False), ("0,1\r2,3\r", False)])
def test_whether_the_last_line_ends(tmp_path, text, cut):
    assert table_of(tmp_path, text).cut == cut
