"""What IAM decides: policies and a request in, allowed or refused out. Knows no emulator and no service's code.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
