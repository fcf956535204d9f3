"""The account: what became of each paper's findings here, and what this project found itself.

The `account.yaml` of each wing has the words (`form`). The state of the claims that a finding rests
on decides its verdict (`verdicts`), and `text` writes the tables.
"""
