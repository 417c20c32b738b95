"""TrainingJob: its states, its input and output, the containers it runs."""
