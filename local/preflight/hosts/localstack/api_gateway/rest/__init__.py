"""How a deployed REST API answers, whoever keeps its definition and runs its functions.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
"""
