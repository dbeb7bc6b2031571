"""Photographs for stages 1 and 2: VGGFace2 and other identities, AffectNet, RAF-DB, CFEE, folders."""
