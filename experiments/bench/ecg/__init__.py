"""R-peak detectors and heart rates on the MIT-BIH Arrhythmia Database: `make bench ARGS=r_peaks`."""
