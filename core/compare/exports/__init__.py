"""Tables and charts of a comparison as files for other programs: rows here, one module per format."""
