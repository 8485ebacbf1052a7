"""A BERT of one layer and twelve words, for judges that are models."""

from transformers import BertConfig, BertTokenizerFast

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "cannot", "help", "sure", "here", "it", "is"]


def tokenizer(folder):
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    made = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=32)
    made.save_pretrained(folder)


def config(**changes):
    sizes = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return BertConfig(**sizes, max_position_embeddings=32, **changes)
