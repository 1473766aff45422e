"""What trains: the run folder and the trainers."""
