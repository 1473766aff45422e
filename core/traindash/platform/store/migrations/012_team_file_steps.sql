-- What is still to be done in the folders of Team Files for the rows to be true; begun anew by the next server if this
-- one dies. `staged` is put in place under the path; without it, what is there goes.
CREATE TABLE team_file_steps (
    id INTEGER PRIMARY KEY,
    team_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    staged TEXT
);
