"""What roles may do in this stack: LocalStack's stores and chain on one side, IAM's decisions on the other."""
