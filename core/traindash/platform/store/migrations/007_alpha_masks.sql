-- Which image an alpha mask is on: the official SDK asks for their pixels by the ids of the objects alone.
CREATE TABLE alpha_masks (
    object_id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE
);
CREATE INDEX alpha_masks_by_image ON alpha_masks (image_id);

INSERT OR IGNORE INTO alpha_masks
SELECT json_extract(object.value, '$.id'), annotations.image_id
FROM annotations, json_each(annotations.annotation, '$.objects') AS object
WHERE annotations.annotation LIKE '%"alpha_mask"%'
    AND json_extract(object.value, '$.geometryType') = 'alpha_mask';
