"""Reports as single HTML files: no script, no request, readable on a phone, in print and in the dark."""
