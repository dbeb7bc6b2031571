"""Files of signals: text tables as people and devices write them."""
