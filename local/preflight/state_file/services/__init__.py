"""What makes each service's part of a stack anew: each module reads one service, and gives requests in order."""
