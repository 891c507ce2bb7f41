"""What makes a typed function a node: its parameters, specification, registration and run."""
