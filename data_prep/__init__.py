"""A raw CSV in; CSVs that SageMaker trains on, and the schema that encodes one more row, out."""
