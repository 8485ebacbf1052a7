"""What a model costs: bytes and seconds."""
