"""Speed and accuracy of painlit beside its peers, measured in one run (`make bench`)."""
