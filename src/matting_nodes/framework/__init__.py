"""What makes a typed function a node: parameters, specification, registration, running it."""
