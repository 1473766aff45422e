"""Traindash: train, watch and compare computer-vision models the Supervisely way."""
