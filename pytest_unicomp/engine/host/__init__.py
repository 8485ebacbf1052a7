"""The machine that runs the model: names of devices and library versions, memory, counters of the GPU, load by others, and paired timings."""
