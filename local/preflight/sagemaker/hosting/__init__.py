"""Model, EndpointConfig and Endpoint, the instances behind an endpoint, and InvokeEndpoint."""
