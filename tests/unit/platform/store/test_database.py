"""The database: transactions, snapshots, migrations, errors."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from traindash.errors import InputError, StorageError
from traindash.platform.store.database import MIGRATIONS, Database, Patience, now_text


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "x.db")
    made.open()
    yield made
    made.close()


def _settings(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row["key"]: row["value"] for row in connection.execute("SELECT * FROM settings")}


def _set(database: Database, key: str, value: str) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO settings VALUES (?, ?)", (key, value))


def test_what_raises_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO settings VALUES ('a', '1')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert _settings(database) == {}
    _set(database, "b", "2")
    assert _settings(database) == {"b": "2"}


def test_a_reader_sees_one_state(database: Database) -> None:
    _set(database, "a", "1")
    with database.read() as connection:
        before = connection.execute("SELECT count(*) FROM settings").fetchone()[0]
        _set(database, "b", "2")
        after = connection.execute("SELECT count(*) FROM settings").fetchone()[0]
    assert (before, after) == (1, 1)
    assert len(_settings(database)) == 2


def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError), database.read() as connection:
        connection.execute("DELETE FROM settings")


def test_many_threads(database: Database) -> None:
    def work(number: int) -> None:
        for step in range(20):
            _set(database, f"{number}-{step}", "x")
            assert _settings(database)[f"{number}-{step}"] == "x"

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_settings(database)) == 80


def test_taken_names_reach_the_caller(database: Database) -> None:
    _set(database, "a", "1")
    with pytest.raises(sqlite3.IntegrityError):
        _set(database, "a", "2")


def test_foreign_keys_are_kept(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), database.write() as connection:
        connection.execute("INSERT INTO workspaces (team_id, name, created_at, updated_at) VALUES (9, 'x', '', '')")


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    for _ in range(2):
        database.open()
        database.close()
    database.open()
    with database.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    database.close()


def test_migrations_go_on_where_they_stopped(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    database.open(["CREATE TABLE a (x);\nINSERT INTO a VALUES (1)"])
    database.close()
    database.open(["CREATE TABLE a (x);\nINSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)"])
    with database.read() as connection:
        assert [row[0] for row in connection.execute("SELECT x FROM a")] == [1, 2]
    database.close()


_WITH_SEMICOLONS = """
-- a comment; with a semicolon
CREATE TABLE a (x TEXT DEFAULT ';
');
CREATE TABLE log (x TEXT); CREATE TRIGGER kept AFTER INSERT ON a BEGIN
    INSERT INTO log VALUES (new.x);
    INSERT INTO log VALUES ('it''s;
over');
END;
INSERT INTO a VALUES ('one;
two') /* ; */;

INSERT INTO a DEFAULT VALUES"""


def test_a_semicolon_ends_a_statement_only_where_it_does(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    database.open([_WITH_SEMICOLONS])
    with database.read() as connection:
        texts = [row[0] for row in connection.execute("SELECT x FROM a")]
        logged = [row[0] for row in connection.execute("SELECT x FROM log")]
    assert texts == ["one;\ntwo", ";\n"]
    assert logged == ["one;\ntwo", "it's;\nover", ";\n", "it's;\nover"]
    database.close()


def test_half_a_migration_with_a_trigger_is_undone(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    with pytest.raises(StorageError):
        database.open([_WITH_SEMICOLONS + ";\nINSERT INTO nowhere VALUES (1)"])
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 0
    database.close()


def test_a_migration_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    with pytest.raises(StorageError):
        database.open(["CREATE TABLE a (x)", "INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1)"])
    database.close()
    database.open(["CREATE TABLE a (x)"])
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM a").fetchone()[0] == 0
    database.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    database.open([*MIGRATIONS, "CREATE TABLE future (x)"])
    database.close()
    with pytest.raises(StorageError, match="newer version"):
        database.open()
    database.close()


def test_a_broken_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all, but long enough" * 50)
    database = Database(tmp_path / "x.db")
    with pytest.raises(StorageError, match=r"x\.db"):
        database.open()
    database.close()


def test_a_closed_database_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    with pytest.raises(StorageError, match="closed"), database.write():
        pass


def test_moments_sort_as_they_happen() -> None:
    first, second = now_text(), now_text()
    assert first <= second
    assert len(first) == len("2026-03-30T14:28:58.816Z")
    assert first.endswith("Z")


def test_what_was_told_before_stays_told(tmp_path: Path) -> None:
    """The table of messages was rebuilt for those of other servers."""
    database = Database(tmp_path / "x.db")
    database.open(MIGRATIONS[:4])
    database.close()
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:  # one that asks for no foreign keys
        columns = [row for row in connection.execute("PRAGMA table_info(tasks)") if row[3] and not row[5]]
        names = ", ".join(row[1] for row in columns)
        values = ", ".join("1" if row[2] == "INTEGER" else "''" for row in columns)
        connection.execute(f"INSERT INTO tasks (id, {names}) VALUES (7, {values})")  # noqa: S608 - names of our own
        connection.execute("INSERT INTO webhook_deliveries VALUES (7, 'delivered', 2, 'ok', NULL, '2026-01-01')")
    database.open()
    with database.read() as connection:
        rows = [tuple(row) for row in connection.execute("SELECT name, task_id, state, attempts FROM webhook_messages")]
    assert rows == [("task-7", 7, "delivered", 2)]
    database.close()


def test_objects_of_an_older_home_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    database = Database(path)
    database.open(MIGRATIONS[:6])
    database.close()
    soft = {"id": 7, "geometryType": "alpha_mask", "bitmap": {"origin": [1, 2], "data": "x"}}
    box = {"id": 8, "geometryType": "rectangle", "description": "alpha_mask"}
    with closing(sqlite3.connect(path)) as connection, connection:  # which does not ask for the project of an image
        connection.execute("INSERT INTO images VALUES (3, 1, 1, 'a', 'h', 'm', 1, 9, 9, 2, '[]', '{}', '', '')")
        connection.execute(
            "INSERT INTO annotations VALUES (3, ?, '', '')", (json.dumps({"objects": [soft, box, {**box, "id": 12}]}),)
        )
    database.open()
    with database.read() as connection:
        assert [tuple(row) for row in connection.execute("SELECT * FROM inner_ids")] == [(7, 8, 3), (12, 12, 3)]
    database.close()


@pytest.mark.parametrize("writing", [False, True])
def test_a_statement_that_takes_too_long_is_ended(tmp_path: Path, writing: bool) -> None:  # noqa: FBT001 - a parameter
    database = Database(tmp_path / "x.db", Patience(read=0.05, write=0.05))
    database.open()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    def take_long() -> None:
        with database.write() if writing else database.read() as connection:
            if writing:
                connection.execute("INSERT INTO settings VALUES ('a', '1')")
            connection.execute(endless).fetchone()

    with closing(database):
        with pytest.raises(InputError, match="too long"):
            take_long()
        assert _settings(database) == {}
        _set(database, "b", "2")
        assert _settings(database) == {"b": "2"}


def test_errors_tell_no_folders_once_it_is_open(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught, database.read() as connection:
        connection.execute("SELECT * FROM nothing")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_that_no_row_can_have_is_the_fault_of_who_asked(database: Database, number: int) -> None:
    with database.read() as connection:
        assert connection.execute("SELECT ?", (2**63 - 1,)).fetchone()[0] == 2**63 - 1
    with pytest.raises(InputError, match="larger than any"), database.read() as connection:
        connection.execute("SELECT 1 WHERE 1 = ?", (number,))
    with pytest.raises(InputError, match="larger than any"), database.write() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', ?)", (number,))
    assert _settings(database) == {}
