"""Long texts with something hidden in them, after RULER (Hsieh et al., arXiv 2404.06654), made here and filled to a length in the model's tokens."""
