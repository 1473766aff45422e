"""The engine of RT-DETRv2 and DEIM, without training."""
