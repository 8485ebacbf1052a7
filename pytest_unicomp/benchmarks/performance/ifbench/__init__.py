"""IFBench: 300 prompts with 58 kinds of instructions that a program can verify (Pyatkin et al., arXiv 2507.02833).

A row: {"prompt": "... Include keyword kaleidoscope once in your response ...", "instruction_id_list": ["count:keywords_multiple"], "kwargs": [{...}]}.
"""
