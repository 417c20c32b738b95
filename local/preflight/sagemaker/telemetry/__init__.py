"""What AWS shows around SageMaker, written in the background: logs, metrics, events."""
