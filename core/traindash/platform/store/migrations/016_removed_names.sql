-- Classes and tags that were removed, with what they were on, so that they can come back as they were.
-- `id` is that of the class or tag; `entry` is JSON of its place in the meta and of what named it there.
CREATE TABLE removed_names (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    entry TEXT NOT NULL,
    items_count INTEGER NOT NULL DEFAULT 0,
    images_count INTEGER NOT NULL DEFAULT 0,
    removed_at TEXT NOT NULL
);
CREATE INDEX removed_names_by_project ON removed_names (project_id);

-- What was taken off an image: JSON of [place, object] for a class, of [place, tag, id of its object or null] for a tag.
CREATE TABLE removed_parts (
    name_id INTEGER NOT NULL REFERENCES removed_names(id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    parts TEXT NOT NULL,
    PRIMARY KEY (name_id, image_id)
);
CREATE INDEX removed_parts_by_image ON removed_parts (image_id);
