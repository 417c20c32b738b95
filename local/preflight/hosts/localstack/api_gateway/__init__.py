"""REST APIs of API Gateway: ``rest/`` knows how a deployed one answers, the modules here know LocalStack."""
