"""The one transaction: the only package that changes files of the target repository.

Start at `transaction.run_transaction`; `change` holds what callers hand in, `recovery` ends what was
interrupted, `rollback` undoes what was done, `ledger` remembers it.
"""
