"""What a model can still do: knowledge, languages, reasoning, instruction following, language modelling."""
