"""Two stand-ins for BioVid of real faces and real hearts, from two open data sets. None of it is pain data."""
