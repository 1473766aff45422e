"""What was made in a team, and when: from the moments that rows keep. There is no journal beside them."""

from sqlite3 import Row

from traindash.platform.store.database import Database
from traindash.platform.store.listing import Clause, IdPage, Listing, condition_clause, numbers, texts

_COLUMNS = numbers("user_id", "project_id", "dataset_id", "image_id", "task_id", "job_id")
_COLUMNS |= texts("action", "date") | {"type": texts("action")["action"]}  # the SDK filters by `type`
# Supervisely's words for what people did, each a row of something that is there.
_EVENTS = """
    SELECT 'create_project' AS action, created_at AS date, user_id, team_id, id AS project_id, name AS project,
        NULL AS dataset_id, NULL AS dataset, NULL AS image_id, NULL AS image, NULL AS task_id, NULL AS job_id
    FROM projects WHERE archived_at IS NULL
    UNION ALL
    SELECT 'create_dataset', datasets.created_at, datasets.user_id, team_id, project_id, projects.name,
        datasets.id, datasets.name, NULL, NULL, NULL, NULL
    FROM datasets JOIN projects ON projects.id = project_id
    WHERE projects.archived_at IS NULL AND datasets.archived_at IS NULL
    UNION ALL
    SELECT 'create_image', images.created_at, datasets.user_id, team_id, images.project_id, projects.name,
        dataset_id, datasets.name, images.id, images.name, NULL, NULL
    FROM images JOIN datasets ON datasets.id = dataset_id JOIN projects ON projects.id = images.project_id
    WHERE projects.archived_at IS NULL AND datasets.archived_at IS NULL
    UNION ALL
    SELECT 'model_train', tasks.created_at, tasks.user_id, tasks.team_id, project_id, projects.name,
        NULL, NULL, NULL, NULL, tasks.id, NULL
    FROM tasks LEFT JOIN projects ON projects.id = project_id WHERE kind = 'train'
"""


class Activity:
    """Reads what was made in teams."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, listing: Listing, team_id: int) -> tuple[IdPage, list[Row]]:
        """Return a page of events, the newest first; they have no ids.

        Raises:
            InputError: The listing asks for a field or value that is not possible.
        """
        wanted = [condition_clause(_COLUMNS, condition) for condition in listing.filter or ()]
        clauses = [Clause("team_id = ?", (team_id,)), *wanted]
        source = f"FROM ({_EVENTS}) WHERE {' AND '.join(clause.sql for clause in clauses)}"
        values = [value for clause in clauses for value in clause.values]
        start = (listing.page - 1) * listing.page_length
        with self._database.read() as connection:
            total = int(connection.execute(f"SELECT count(*) {source}", values).fetchone()[0])
            query = f"SELECT * {source} ORDER BY date DESC, project_id, image_id LIMIT ? OFFSET ?"
            rows = connection.execute(query, (*values, listing.page_length, min(start, total))).fetchall()
        return IdPage(total=total, per_page=listing.page_length), rows
