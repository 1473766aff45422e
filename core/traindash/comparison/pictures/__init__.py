"""What is drawn on the images of a comparison, and crops of single objects. Pure: bytes come in and go out."""
