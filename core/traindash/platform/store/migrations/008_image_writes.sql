-- Which image an object or a tag is on: they live in the annotation's JSON and have no table of their own. Their ids are
-- given one after another, so an image has few runs of them. Takes the place of the table that knew alpha masks alone.
CREATE TABLE inner_ids (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE
);
CREATE INDEX inner_ids_by_image ON inner_ids (image_id);

INSERT OR IGNORE INTO inner_ids
SELECT min(id), max(id), image_id
FROM (
    SELECT image_id, id, id - row_number() OVER (PARTITION BY image_id ORDER BY id) AS run
    FROM (
        SELECT DISTINCT annotations.image_id AS image_id, json_extract(object.value, '$.id') AS id
        FROM annotations, json_each(annotations.annotation, '$.objects') AS object
        WHERE json_type(object.value, '$.id') = 'integer'
    )
)
GROUP BY image_id, run;

DROP TABLE alpha_masks;

-- Image files that no image may use (yet): uploaded and not added, or left by images that were removed. They are kept
-- for a while, so that who uploads first and adds later finds them, and collected then.
CREATE TABLE loose_images (
    hash TEXT PRIMARY KEY,
    mime TEXT NOT NULL,
    size INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    seen_at TEXT NOT NULL
) WITHOUT ROWID;
