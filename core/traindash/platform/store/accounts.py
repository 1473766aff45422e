"""Who works here: one user, one team, one workspace by default; and the server's own settings."""

import secrets
from dataclasses import dataclass
from sqlite3 import Connection, IntegrityError, Row

from traindash.domain.ids import TeamId, WorkspaceId
from traindash.errors import InputError, NotFoundError
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.listing import Clause, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.unanswered import note_made

# One person works here; a team and a workspace are there since the SDK asks for them everywhere.
TEAM_NAME = "Local"
WORKSPACE_NAME = "My projects"
_FIRST_WORKSPACE = "First Workspace"  # of a new team, as on Supervisely
_LOGIN = "local"

_COLUMNS = numbers("id") | texts("name", "created_at", "updated_at")
_USERS = Table(name="users", noun="user", columns=_COLUMNS | texts("login"))
_TEAMS = Table(name="teams", noun="team", columns=_COLUMNS, visible="teams.archived_at IS NULL")
_WORKSPACES = Table(
    name="workspaces",
    noun="workspace",
    columns=_COLUMNS | texts("description"),
    visible="workspaces.archived_at IS NULL",
)


@dataclass(frozen=True, slots=True)
class Home:
    """Where new things go unless a request says otherwise."""

    user_id: int
    team_id: TeamId
    workspace_id: WorkspaceId


class Accounts:
    """Users, teams and workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure_home(self) -> Home:
        """Return the default user, team and workspace; make what is missing."""
        now = now_text()
        with self._database.write() as connection:
            if (home := home_of(connection)) is not None:
                return home
            user = connection.execute(
                "INSERT INTO users (login, name, created_at, updated_at) VALUES (?, ?, ?, ?)", (_LOGIN, "You", now, now)
            ).lastrowid
            team = connection.execute(
                "INSERT INTO teams (name, created_at, updated_at) VALUES (?, ?, ?)", (TEAM_NAME, now, now)
            ).lastrowid
            workspace = connection.execute(
                "INSERT INTO workspaces (team_id, name, created_at, updated_at) VALUES (?, ?, ?, ?)",
                (team, WORKSPACE_NAME, now, now),
            ).lastrowid
        return Home(int(user or 0), TeamId(int(team or 0)), WorkspaceId(int(workspace or 0)))

    def home(self) -> Home:
        """Return the default user, team and workspace.

        Raises:
            NotFoundError: The server was never started on this data directory.
        """
        with self._database.read() as connection:
            home = home_of(connection)
        if home is None:
            raise NotFoundError("This data directory has no team yet.", "Start the dashboard once.")
        return home

    def user(self) -> Row:
        """Return the user."""
        with self._database.read() as connection:
            row: Row = connection.execute("SELECT * FROM users ORDER BY id LIMIT 1").fetchone()
        return row

    def users(self, listing: Listing) -> tuple[IdPage, list[Row]]:
        """Return a page of the users; there is one, who is in all teams."""
        with self._database.read() as connection:
            return _USERS.page(connection, listing)

    def user_by_id(self, user_id: int) -> Row:
        """Return a user, who must exist (else :class:`NotFoundError`)."""
        with self._database.read() as connection:
            return _USERS.row(connection, user_id)

    def teams(self, listing: Listing) -> tuple[IdPage, list[Row]]:
        """Return a page of teams."""
        with self._database.read() as connection:
            return _TEAMS.page(connection, listing)

    def team(self, team_id: int) -> Row:
        """Return a team, which must exist (else :class:`NotFoundError`)."""
        with self._database.read() as connection:
            return _TEAMS.row(connection, team_id)

    def add_team(self, name: str, description: str) -> Row:
        """Make a team with an empty workspace, as Supervisely does.

        Raises:
            InputError: There is one of that name.
        """
        now = now_text()
        with self._database.write() as connection:
            note_made(connection)
            query = "INSERT INTO teams (name, description, created_at, updated_at) VALUES (?, ?, ?, ?)"
            try:
                team_id = int(connection.execute(query, (name, description, now, now)).lastrowid or 0)
            except IntegrityError as error:
                raise _taken_team(name) from error
            ensure_workspace(connection, team_id, _FIRST_WORKSPACE, "")
            return _TEAMS.row(connection, team_id)

    def edit_team(self, team_id: int, name: str | None, description: str | None) -> Row:
        """Change name and description of a team, as far as they are given.

        Raises:
            InputError: Another one has the name.
        """
        with self._database.write() as connection:
            _TEAMS.row(connection, team_id)
            query = (
                "UPDATE teams SET name = coalesce(?, name), description = coalesce(?, description), updated_at = ?"
                " WHERE id = ?"
            )
            try:
                connection.execute(query, (name, description, now_text(), team_id))
            except IntegrityError as error:
                raise _taken_team(name) from error
            return _TEAMS.row(connection, team_id)

    def workspaces(self, team_id: int, listing: Listing) -> tuple[IdPage, list[Row]]:
        """Return a page of the workspaces of a team."""
        with self._database.read() as connection:
            return _WORKSPACES.page(connection, listing, [Clause("team_id = ?", (team_id,))])

    def hide_workspace(self, workspace_id: int, *, hidden: bool) -> Row:
        """Hide a workspace from people, or show it again; it must exist (else :class:`NotFoundError`)."""
        with self._database.write() as connection:
            _WORKSPACES.row(connection, workspace_id)
            connection.execute("UPDATE workspaces SET hidden = ? WHERE id = ?", (hidden, workspace_id))
            return _WORKSPACES.row(connection, workspace_id)

    def workspace(self, workspace_id: int) -> Row:
        """Return a workspace, which must exist (else :class:`NotFoundError`)."""
        with self._database.read() as connection:
            return _WORKSPACES.row(connection, workspace_id)

    def add_workspace(self, team_id: int, name: str, description: str) -> Row:
        """Make an empty workspace.

        Raises:
            InputError: The team has one of that name.
        """
        now = now_text()
        with self._database.write() as connection:
            _TEAMS.row(connection, team_id)
            note_made(connection)
            try:
                cursor = connection.execute(
                    "INSERT INTO workspaces (team_id, name, description, created_at, updated_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (team_id, name, description, now, now),
                )
            except IntegrityError as error:
                raise _taken(name) from error
            return _WORKSPACES.row(connection, int(cursor.lastrowid or 0))

    def edit_workspace(self, workspace_id: int, name: str | None, description: str | None) -> Row:
        """Change name and description of a workspace, as far as they are given.

        Raises:
            InputError: Another one of the team has the name.
        """
        with self._database.write() as connection:
            _WORKSPACES.row(connection, workspace_id)
            try:
                connection.execute(
                    "UPDATE workspaces SET name = coalesce(?, name), description = coalesce(?, description),"
                    " updated_at = ? WHERE id = ?",
                    (name, description, now_text(), workspace_id),
                )
            except IntegrityError as error:
                raise _taken(name) from error
            return _WORKSPACES.row(connection, workspace_id)

    def setting(self, key: str) -> str | None:
        """Return a setting of the server, ``None`` if it was never set."""
        with self._database.read() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def secret(self, name: str) -> bytes:
        """Return 32 random bytes that are made once and kept; never leave this server."""
        with self._database.write() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (name,)).fetchone()
            if row is not None:
                return bytes.fromhex(row["value"])
            # Inside the transaction that looked: two servers that start at once agree on one.
            value = secrets.token_bytes(32)
            connection.execute("INSERT INTO settings (key, value) VALUES (?, ?)", (name, value.hex()))
            return value


def _taken_team(name: str | None) -> InputError:
    return InputError(f"There already is a team named {name!r}.", "Choose another name.")


def _taken(name: str | None) -> InputError:
    return InputError(f"The team already has a workspace named {name!r}.", "Choose another name.")


def home_of(connection: Connection) -> Home | None:
    """Return the default user, team and workspace inside a transaction, ``None`` before the first start."""
    row = connection.execute(
        "SELECT workspaces.id AS workspace_id, team_id, (SELECT min(id) FROM users) AS user_id"
        " FROM workspaces ORDER BY workspaces.id LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    return Home(int(row["user_id"]), TeamId(row["team_id"]), WorkspaceId(row["workspace_id"]))


def ensure_workspace(connection: Connection, team_id: int, name: str, description: str, *, hidden: bool = False) -> int:
    """Return the workspace of a name inside a transaction; it is made where the team has none."""
    query = "SELECT id FROM workspaces WHERE team_id = ? AND name = ?"
    if (row := connection.execute(query, (team_id, name)).fetchone()) is not None:
        return int(row["id"])
    now = now_text()
    cursor = connection.execute(
        "INSERT INTO workspaces (team_id, name, description, hidden, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        (team_id, name, description, hidden, now, now),
    )
    return int(cursor.lastrowid or 0)


def require_workspace(connection: Connection, workspace_id: int) -> Row:
    """Return a workspace inside a transaction, which must exist (else :class:`NotFoundError`)."""
    return _WORKSPACES.row(connection, workspace_id)


def store_setting(connection: Connection, key: str, value: str) -> None:
    """Set a setting of the server inside a transaction."""
    connection.execute(
        "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
