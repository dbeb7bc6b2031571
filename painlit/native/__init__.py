"""Networks in C++ of our own, for CPUs, compiled for the processor at hand."""
