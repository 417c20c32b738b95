"""How a request is read, checked and answered, whatever it asks for."""
