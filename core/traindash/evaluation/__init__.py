"""COCO JSON files → one match table → every figure, curve and interval of the dashboard; numpy and hotcoco only."""
