"""The machine that runs the model: its name and libraries, memory, power, health, and timings taken in pairs."""
