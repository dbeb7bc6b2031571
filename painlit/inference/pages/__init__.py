"""The page of an assessment: figure, summary, files."""
