"""What makers of Traindash use and the wheel does not carry."""
