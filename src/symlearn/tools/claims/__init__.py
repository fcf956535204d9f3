"""Claims: what each figure must show, against what it shows.

The `claims.yaml` of each wing lists them (`form`). What the figures measured and stored beside what
they drew decides each (`verdicts`), and a page shows them all (`page`).
"""
